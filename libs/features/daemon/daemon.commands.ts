import { deciderHandler, Dispatch } from '#libs/commands/decider-handler.js';
import { daemonDecider, type DaemonCommand, type DaemonState } from './daemon.decider.js';
import { daemonStream, type DaemonEvent } from './daemon.events.js';

/** Token of the daemons' states in memory. */
export const DAEMON_STATES = 'DAEMON_STATES';

/** The shape of a stored daemon state; a change of DaemonState changes it. */
export const DAEMON_STATE_SHAPE = 'daemon/1';

/** A command on its way to one daemon's stream. */
export class DispatchDaemon extends Dispatch<DaemonCommand, DaemonState, DaemonEvent> {}

export const DaemonHandler = deciderHandler<DaemonState, DaemonCommand, DaemonEvent>(DispatchDaemon, {
  stream: daemonStream,
  decider: daemonDecider,
  states: DAEMON_STATES,
});
