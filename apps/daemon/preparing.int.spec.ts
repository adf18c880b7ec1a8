import { once } from 'node:events';
import { DaemonWorld, shell } from './testing/daemon-world.js';

let world: DaemonWorld;
beforeEach(async () => {
  world = await DaemonWorld.create();
});
afterEach(() => world.end());

/** Each run writes all files anew. */
const REWRITE = 'for n in $(seq 400); do echo "$MAKIMA_RUN_ID" > "file $n"; done';

it('never takes a folder that a killed daemon had brought only half-way to another checkpoint for the code', async () => {
  const task = world.server.add(shell(REWRITE));
  const first = world.spawn();
  await world.ended(task);
  task.isWanted = true;
  world.server.wake();
  await world.ended(task, 2);
  await world.kill(first);
  const [begin, end] = task.checkpoints;
  task.code = { checkpoint: task.point(begin!.id)!, restore: true };

  task.isWanted = true;
  const dying = world.spawn('rewind-half-restored');
  await once(dying, 'exit');
  const second = world.spawn();
  await world.ended(task, 3);
  expect(task.ends.at(-1)).toMatchObject({ status: 'interrupted' });
  expect(task.checkpoints.map(({ id }) => id)).toEqual([begin!.id, end!.id]);

  task.request = { requestId: 'show me', message: null };
  world.server.wake();
  await world.until(() => task.answers.length > 0, 'the request is answered');
  expect(task.checkpoints.at(-1)!.checkpoint).toMatchObject({ trigger: 'request', isAside: true });

  task.isWanted = true;
  world.server.wake();
  await world.ended(task, 4);
  expect(task.ends.at(-1)).toMatchObject({ status: 'completed' });
  await world.kill(second);
});
