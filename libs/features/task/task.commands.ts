import { deciderHandler, Dispatch } from '#libs/commands/decider-handler.js';
import { taskDecider, type TaskCommand } from './task.decider.js';
import { taskStream, type TaskEvent } from './task.events.js';
import type { TaskState } from './task.state.js';

/** Token of the tasks' states in memory. */
export const TASK_STATES = 'TASK_STATES';

/** The shape of a stored task state; a change of TaskState changes it. */
export const TASK_STATE_SHAPE = 'task/9';

/** A command on its way to one task. */
export class DispatchTask extends Dispatch<TaskCommand, TaskState, TaskEvent> {}

export const TaskHandler = deciderHandler<TaskState, TaskCommand, TaskEvent>(DispatchTask, {
  stream: taskStream,
  decider: taskDecider,
  states: TASK_STATES,
});
