import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonWorld, plainGit, shell } from './testing/daemon-world.js';

let world: DaemonWorld;
beforeEach(async () => {
  world = await DaemonWorld.create();
});
afterEach(() => world.end());

const COMMIT = 'git -c user.name=a -c user.email=a@example.org commit -q -m work';

async function repository(): Promise<string> {
  const folder = join(world.base, 'repository');
  await mkdir(folder);
  const git = plainGit(folder);
  git('init', '-q', '-b', 'main');
  execFileSync('sh', ['-c', 'echo there > before'], { cwd: folder });
  git('add', '-A');
  git('commit', '-q', '-m', 'begin');
  return folder;
}

const changed = (task: ReturnType<DaemonWorld['server']['add']>) =>
  task.checkpoints.map(({ checkpoint }) =>
    checkpoint.filesChanged.map(({ path, action }) => `${action} ${path}`),
  );

it('takes a checkpoint of work that the agent has committed itself, in a repository and in one that it has made', async () => {
  const cloned = world.server.add({
    ...shell(`echo work > after; git add -A; ${COMMIT}`),
    repository: await repository(),
  });
  const made = world.server.add(shell(`git init -q; echo work > after; git add -A; ${COMMIT}`));
  await world.start();
  await world.ended(cloned);
  await world.ended(made);
  expect([changed(cloned), changed(made)]).toEqual([[['A after']], [['A after']]]);
  expect(made.checkpoints[0]!.checkpoint.previousSha).toBeUndefined();
});

it('takes none of a clone that the agent has left as it was', async () => {
  const task = world.server.add({ ...shell('true'), repository: await repository() });
  await world.start();
  await world.ended(task);
  expect(task.checkpoints).toEqual([]);
});
