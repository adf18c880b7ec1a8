/** For specs: what daemons do with tasks, where no route is at hand. */
import { CommandBus } from '@nestjs/cqrs';
import { newId } from '#libs/kernel/ids.js';
import type { Caller } from '#libs/kernel/caller.js';
import { DispatchTask } from '#libs/features/task/task.commands.js';
import type { TaskCommand } from '#libs/features/task/task.decider.js';
import type { TestApp, TestCaller } from './app.js';
import { TASKS } from './tool-calls.js';

export const asCaller = ({ ownerId }: Pick<TestCaller, 'ownerId'>): Caller => ({
  ownerId,
  kind: 'user',
  keyId: 'k',
  scopes: [],
  actor: { kind: 'user', id: 'k' },
});

/** One command for a task of the app's own. */
export async function dispatch(app: TestApp, taskId: string, command: TaskCommand): Promise<void> {
  const context = {
    actor: asCaller(app).actor,
    ownerId: app.ownerId,
    now: new Date(),
    commandId: newId(),
    idempotent: false,
  };
  await app.server.application.get(CommandBus).execute(new DispatchTask(taskId, command, context));
}

export const start = (app: TestApp, taskId: string, prompt: string | null = null): Promise<void> =>
  dispatch(app, taskId, { type: 'RequestStart', data: { runner: null, prompt, targetDaemonId: null } });

/** The task is asked to start, and runs on a daemon. */
export async function runOn(app: TestApp, taskId: string, daemonId: string): Promise<void> {
  await start(app, taskId);
  await dispatch(app, taskId, { type: 'LeaseTask', daemonId });
}

export const stop = (app: TestApp, taskId: string): Promise<void> =>
  dispatch(app, taskId, {
    type: 'EndLease',
    end: 'released',
    held: null,
    status: 'interrupted',
    reason: null,
  });

export interface Taken {
  readonly id: string;
  readonly commitSha: string;
}

/** A checkpoint as its daemon records it; `isSafe`: as if the hub had its code. */
export async function take(app: TestApp, taskId: string, { isSafe = true, ...more } = {}): Promise<Taken> {
  const id = crypto.randomUUID();
  const commitSha = id.replaceAll('-', '').padEnd(40, '0');
  const checkpoint = {
    commitSha,
    message: 'a checkpoint',
    filesChanged: [],
    linesAdded: 0,
    linesRemoved: 0,
    ...more,
  };
  await app.post(`${TASKS}/${taskId}/activity`, { items: [{ id, kind: 'checkpoint', checkpoint }] });
  if (isSafe)
    await dispatch(app, taskId, {
      type: 'RecordActivity',
      activities: [{ type: 'SecureCheckpoint', checkpointId: id }],
    });
  return { id, commitSha };
}
