import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalState } from './journal.js';
import type { CodePoint } from './protocol.js';
import { DaemonWorld, plainGit, shell } from './testing/daemon-world.js';
import type { FakeTask } from './testing/fake-task.js';

let world: DaemonWorld;

beforeEach(async () => (world = await DaemonWorld.create()));
afterEach(() => world.end());

/** A task that has run; its checkpoints are in the hub. */
async function ran(task: FakeTask): Promise<CodePoint> {
  await world.ended(task);
  return safe(task);
}

async function safe(task: FakeTask): Promise<CodePoint> {
  const { id } = task.checkpoints.at(-1)!;
  await world.until(() => task.packs.has(id), 'its code is in the hub');
  return task.point(id)!;
}

/** A checkpoint of the folder as it is. */
async function checkpointed(task: FakeTask): Promise<CodePoint> {
  const before = task.answers.length;
  task.request = { requestId: crypto.randomUUID(), message: null };
  world.server.wake();
  await world.until(() => task.answers.length > before, 'a checkpoint is there');
  return task.point(task.answers.at(-1)!)!;
}

async function rewound(task: FakeTask, ...[target, more]: Parameters<FakeTask['rewind']>): Promise<string> {
  const id = task.rewind(target, more);
  world.server.wake();
  await world.until(() => task.order === null, `rewind ${id} is over`);
  return id;
}

/** The journal when the daemon has heard that the rewind is over, and written that down. */
async function settled(task: FakeTask): Promise<JournalState> {
  await world.until(async () => (await world.journal(task)).rewind === null, 'it has written that down');
  return world.journal(task);
}

/** The checkpoint of what was there before the last rewind. */
const lastBefore = (task: FakeTask) => task.checkpoints.find(({ id }) => id === task.befores.at(-1))!;

it('goes back to a checkpoint, keeps what was there, and comes back again', async () => {
  const task = world.server.add(shell('echo one > kept; echo one > file'));
  await world.start();
  const first = await ran(task);
  await world.write(task, 'file', 'two\n');
  await world.write(task, 'new', 'never in a checkpoint\n');
  await rewound(task, first);
  expect(task.rewinds).toEqual(['prepared', `completed ${world.treeOf(task, first.commitSha)}`]);
  expect([await world.read(task, 'file'), await world.read(task, 'new')]).toEqual(['one\n', null]);
  const before = lastBefore(task);
  expect(before.checkpoint).toMatchObject({ isAside: true, trigger: 'safety' });
  expect(world.shadow(task, 'show', `${before.checkpoint.commitSha}:new`)).toBe('never in a checkpoint');
  // To take it back is to rewind to what was there before.
  await rewound(task, task.point(before.id)!);
  expect([await world.read(task, 'file'), await world.read(task, 'new')]).toEqual([
    'two\n',
    'never in a checkpoint\n',
  ]);
  expect(world.shadow(task, 'show-ref')).toContain(`refs/makima/checkpoints/${first.checkpointId}`);
  const { code, untold } = await settled(task);
  expect([code?.checkpointId, untold]).toEqual([before.id, []]);
});

it('stops an agent that is writing first, and its last write is in what is kept', async () => {
  const loop = 'echo x > file; echo up; while :; do echo x >> file; sleep 0.01; done';
  const task = world.server.add(shell(loop));
  await world.start();
  await world.until(() => task.outputs.includes('up'), 'it runs');
  const target = await checkpointed(task);
  const kept = (await world.read(task, 'file')) ?? '';
  await rewound(task, target);
  expect(task.ends).toEqual([{ epoch: 1, status: 'paused', reason: 'It was stopped to be rewound.' }]);
  const shown = (commit: string): string => `${world.shadow(task, 'show', `${commit}:file`)}\n`;
  const last = shown(lastBefore(task).checkpoint.commitSha);
  expect(last.startsWith(kept)).toBe(true);
  expect(await world.read(task, 'file')).toBe(shown(target.commitSha));
});

describe('in a folder with a repository', () => {
  /** A contract's repository with one commit. */
  async function repository(): Promise<string> {
    const path = join(world.base, 'origin');
    await mkdir(path);
    const git = plainGit(path);
    git('init', '-q', '-b', 'main', '.');
    git('commit', '-q', '--allow-empty', '-m', 'first');
    return path;
  }
  const COMMIT = 'git -c user.name=a -c user.email=a@example.org';

  it('moves the branch back, pins what it named, and makes a branch of what was there', async () => {
    const script = `echo 1 > a; git add a; ${COMMIT} commit -qm one; echo up; while [ ! -e go ]; do sleep 0.02; done; ${COMMIT} commit -qam two --allow-empty; rm go`;
    const task = world.server.add({ ...shell(script), repository: await repository() });
    await world.start();
    await world.until(() => task.outputs.includes('up'), 'it runs');
    const first = await checkpointed(task);
    const git = plainGit(world.place(task, 'folder'));
    expect(first).toMatchObject({ branchName: 'main', headSha: git('rev-parse', 'HEAD') });
    await world.write(task, 'go', '');
    await world.ended(task);
    await world.write(task, 'uncommitted', 'new\n');
    const second = git('rev-parse', 'HEAD');
    expect(second).not.toBe(first.headSha);
    await rewound(task, first, { preserve: { mode: 'create_branch', branchName: 'kept/here' } });
    expect(task.rewinds.at(-1)).toMatch(/^completed/);
    expect([git('rev-parse', 'HEAD'), git('symbolic-ref', 'HEAD')]).toEqual([
      first.headSha,
      'refs/heads/main',
    ]);
    expect(git('status', '--porcelain')).toBe('');
    expect(git('show', 'kept/here:uncommitted')).toBe('new');
    expect(git('rev-parse', 'kept/here^')).toBe(second);
    expect(world.shadow(task, 'cat-file', '-t', second)).toBe('commit');
    // A branch of that name is there now: nothing happens.
    const steps = task.rewinds.length;
    await rewound(task, task.point(lastBefore(task).id)!, {
      preserve: { mode: 'create_branch', branchName: 'kept/here' },
    });
    expect(task.rewinds.slice(steps)).toEqual(['failed There is a branch "kept/here" already.']);
    expect(await world.read(task, 'uncommitted')).toBeNull();
  });

  it('runs a task in a clone of the repository of its contract', async () => {
    const task = world.server.add({
      ...shell('git log --oneline | wc -l; git remote get-url origin'),
      repository: await repository(),
    });
    await world.start();
    await world.ended(task);
    expect(task.outputs).toEqual(['1', join(world.base, 'origin')]);
    // Nothing differs from what was cloned.
    expect(task.checkpoints).toEqual([]);
  });

  it('fails a task whose repository is not there, with what git says', async () => {
    const task = world.server.add({ ...shell('true'), repository: join(world.base, 'nowhere') });
    await world.start();
    await world.ended(task);
    expect(task.ends[0]).toMatchObject({ status: 'failed' });
    expect(task.ends[0]!.reason).toContain('there is no such folder');
  });
});

it('keeps a stash by its name where that is asked for', async () => {
  const task = world.server.add(shell('echo one > file'));
  await world.start();
  const first = await ran(task);
  await world.write(task, 'file', 'two\n');
  const id = await rewound(task, first, { preserve: { mode: 'stash', branchName: null } });
  expect(world.shadow(task, 'show', `refs/makima/stash/${id}:file`)).toBe('two');
});

it('does nothing, and says why, when a file that no checkpoint holds stands in the way', async () => {
  const task = world.server.add(shell('echo one > secret; echo one > file'));
  await world.start();
  const first = await ran(task);
  await rm(world.place(task, 'folder/secret'));
  await checkpointed(task);
  await world.write(task, '.gitignore', 'secret\n');
  await world.write(task, 'secret', 'of a person\n');
  await world.write(task, 'file', 'two\n');
  await rewound(task, first);
  expect(task.rewinds).toHaveLength(1);
  expect(task.rewinds[0]).toMatch(
    /^failed not restored, and nothing was changed: secret would be overwritten/,
  );
  expect([await world.read(task, 'secret'), await world.read(task, 'file')]).toEqual([
    'of a person\n',
    'two\n',
  ]);
  await settled(task);
});

describe('of one change in the middle', () => {
  const LINES = 'seq 1 20 > file';

  it('takes it back, and leaves what came later', async () => {
    const task = world.server.add(shell(LINES));
    await world.start();
    const first = await ran(task);
    const lines = Array.from({ length: 20 }, (_, at) => `${at + 1}`);
    await world.write(task, 'file', `${lines.with(2, 'three').join('\n')}\n`);
    const change = await checkpointed(task);
    await world.write(task, 'file', `${lines.with(2, 'three').with(17, 'eighteen').join('\n')}\n`);
    await rewound(task, null, {
      kind: 'revert',
      revert: { commitSha: change.commitSha, previousSha: first.commitSha },
    });
    expect(await world.read(task, 'file')).toBe(`${lines.with(17, 'eighteen').join('\n')}\n`);
    const result = task.checkpoints.find(({ checkpoint }) => checkpoint.message.startsWith('Result of'))!;
    expect(task.rewinds).toEqual([
      'prepared',
      `completed ${world.treeOf(task, result.checkpoint.commitSha)}`,
    ]);
    expect((await settled(task)).code?.checkpointId).toBe(result.id);
  });

  it('does nothing where later changes touch the same lines, and names the files', async () => {
    const task = world.server.add(shell(LINES));
    await world.start();
    const first = await ran(task);
    await world.write(task, 'file', 'other\n');
    const change = await checkpointed(task);
    await world.write(task, 'file', 'and again\n');
    await rewound(task, null, {
      kind: 'revert',
      revert: { commitSha: change.commitSha, previousSha: first.commitSha },
    });
    expect(task.rewinds).toEqual(['failed Later changes touch the same places: file. Nothing was changed.']);
    expect(await world.read(task, 'file')).toBe('and again\n');
  });
});

it('brings the folder to where a rewind went while it was away, and keeps what was there', async () => {
  const task = world.server.add(shell('[ -e file ] && cat file; echo one > file'));
  const daemon = await world.start();
  const first = await ran(task);
  await daemon.stop();
  await world.write(task, 'file', 'two\n');
  await world.write(task, 'other', 'mine\n');
  task.isWanted = true;
  task.code = { checkpoint: first, restore: true, rewindId: crypto.randomUUID() };
  await world.start();
  await world.ended(task, 2);
  expect(task.outputs).toEqual(['one']);
  expect(task.rewinds).toEqual([`completed ${world.treeOf(task, first.commitSha)}`]);
  const aside = task.checkpoints.find(({ checkpoint }) => checkpoint.isAside)!;
  expect(world.shadow(task, 'show', `${aside.checkpoint.commitSha}:other`)).toBe('mine');
});

it('makes a folder from the checkpoint of another task, with a branch and files of its own', async () => {
  const source = world.server.add(shell('mkdir d; echo one > d/file; echo x > skipped'));
  const daemon = await world.start();
  const code = await ran(source);
  const { headSha: _, branchName: __, ...copied } = code;
  await daemon.stop();
  await world.start({ home: join(world.base, 'elsewhere') });
  const fork = world.server.add(shell('cat d/file; ls'), { checkpoint: code });
  const other = world.server.add(shell('cat d/file; ls'), { copyFiles: { ...copied, paths: ['d/file'] } });
  await Promise.all([world.ended(fork), world.ended(other)]);
  expect(fork.outputs).toEqual(['one', 'd', 'skipped']);
  expect(other.outputs).toEqual(['one', 'd']);
});
