import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCommit } from '#libs/git/commits.js';
import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { atCheckpoint, CheckpointFolder, type Taken } from '#libs/testing/checkpoint-folder.js';

const TASKS = '/api/v1/mesh/tasks';
const HEAD_AT = '2026-01-01T00:00:00Z';

let app: TestApp;
let code: CheckpointFolder;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());
beforeEach(async () => {
  code = await CheckpointFolder.open(await app.key('daemon'));
});
afterEach(() => code.lose());

const newTask = async (): Promise<string> =>
  (await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '' })).id;

/** A task whose repository has a commit, and a checkpoint after it. */
async function secured(): Promise<{ readonly task: string; readonly taken: Taken; readonly head: string }> {
  const task = await newTask();
  await code.write('file', 'committed\n');
  const { tree } = await code.shadow.capture();
  const head = await writeCommit(code.shadow.place, { tree, parents: [], message: 'first', at: HEAD_AT });
  await code.write('file', 'changed\n');
  const taken = await code.take(task, [head], { headSha: head });
  await code.send(task, taken);
  return { task, taken, head };
}

const branch = (task: string, taken: Taken, body: object, headers = {}) =>
  app.call('POST', atCheckpoint(task, taken, 'branch'), body, headers);

/** The kinds of event that a task's timeline shows of branches. */
async function branchesIn(task: string): Promise<readonly unknown[]> {
  const { entries } = await app.get<{ entries: { eventData: object }[] }>(
    `${TASKS}/${task}/history?event_types=branch_created`,
  );
  return entries.map(({ eventData }) => eventData);
}

it('is made in the hub, stands in the timeline, and is fetched into a clone', async () => {
  const { task, taken, head } = await secured();
  const name = `try/${task}`;
  const { status, body } = await branch(task, taken, { branchName: name });
  expect([status, body]).toEqual([
    201,
    expect.objectContaining({ checkpointId: taken.id, branchName: name, parentSha: head, checkout: false }),
  ]);
  const commitSha = body['commitSha'] as string;
  expect(await branchesIn(task)).toEqual([{ branchName: name, commitSha, checkpointId: taken.id }]);
  const clone = await mkdtemp(join(tmpdir(), 'makima-clone-'));
  try {
    const bundle = await app.fetch(`${TASKS}/${task}/bundle?branchName=${encodeURIComponent(name)}`);
    await writeFile(join(clone, 'bundle'), Buffer.from(await bundle.arrayBuffer()));
    const git = (...args: readonly string[]) =>
      execFileSync('git', ['-C', clone, ...args])
        .toString()
        .trim();
    git('init', '-q');
    git('fetch', '-q', 'bundle', `${name}:${name}`);
    expect([git('rev-parse', name), git('show', `${name}:file`)]).toEqual([commitSha, 'changed']);
    expect(git('diff', '--numstat', `${name}^`, name)).toBe('1\t1\tfile');
  } finally {
    await rm(clone, { recursive: true });
  }
});

it('changes nothing in a dry run, nor when it is asked for again', async () => {
  const { task, taken } = await secured();
  const branchName = `again-${task}`;
  const bundle = `${TASKS}/${task}/bundle?branchName=${branchName}`;
  const dry = await branch(task, taken, { branchName, dryRun: true });
  expect([dry.status, (await app.call('GET', bundle)).status, await branchesIn(task)]).toEqual([
    201,
    404,
    [],
  ]);
  const key = { 'idempotency-key': `k-${task}` };
  const answers = [
    await branch(task, taken, { branchName }),
    await branch(task, taken, { branchName }),
    await branch(task, taken, { branchName, checkout: true }, key),
    await branch(task, taken, { branchName, checkout: true }, key),
  ];
  const { commitSha } = dry.body;
  expect(answers.map(({ status, body }) => [status, body['commitSha']])).toEqual(
    answers.map(() => [201, commitSha]),
  );
  const event = { branchName, commitSha, checkpointId: taken.id };
  expect(await branchesIn(task)).toEqual([{ ...event, checkout: true }, event]);
});

it('takes no name that another commit has, that git refuses, or that is an option', async () => {
  const { task, taken } = await secured();
  await code.write('file', 'later\n');
  const later = await code.secured(task, [taken.commit]);
  const branchName = `one-${task}`;
  expect((await branch(task, taken, { branchName })).status).toBe(201);
  for (const name of [branchName, `${branchName}/below`])
    expect(await branch(task, later, { branchName: name })).toMatchObject({
      status: 409,
      body: { code: 'BRANCH_EXISTS' },
    });
  for (const name of ['-d', '--force', 'a..b', 'a b', '../x', 'x.lock', 'HEAD', '@{-1}', 'a\0b', 'a\nb']) {
    expect([name, (await branch(task, taken, { branchName: name })).status]).toEqual([name, 422]);
    const path = `${TASKS}/${task}/bundle?branchName=${encodeURIComponent(name)}`;
    expect([name, (await app.call('GET', path)).status]).toEqual([name, 422]);
  }
  expect(await branchesIn(task)).toHaveLength(1);
});

it('is made of nothing that is not there, and of nothing of another owner’s', async () => {
  const task = await newTask();
  await code.write('file', 'x');
  const taken = await code.take(task);
  expect(await branch(task, taken, { branchName: 'b' })).toMatchObject({
    status: 409,
    body: { code: 'CHECKPOINT_NOT_SAFE' },
  });
  const other = await app.secondOwner();
  const asked = await other.call('POST', atCheckpoint(task, taken, 'branch'), { branchName: 'b' });
  expect([asked.status, (await other.call('GET', `${TASKS}/${task}/bundle?branchName=b`)).status]).toEqual([
    404, 404,
  ]);
});
