import { refuse, type Decider } from '#libs/kernel/decider.js';
import type { DaemonEvent, Registration } from './daemon.events.js';

export type DaemonState =
  { readonly kind: 'none' } | { readonly kind: 'registered'; readonly registration: Registration };

export type DaemonCommand =
  | { readonly type: 'Register'; readonly data: Registration }
  | {
      readonly type: 'NoteRefusedOutput';
      readonly data: Extract<DaemonEvent, { type: 'DaemonOutputRefused' }>['data'];
    };

export type DaemonRefusal = 'DAEMON_UNKNOWN';

export const daemonDecider: Decider<DaemonState, DaemonCommand, DaemonEvent, DaemonRefusal> = {
  initial: { kind: 'none' },
  decide(command, state) {
    switch (command.type) {
      case 'Register':
        return state.kind === 'registered' && isSame(state.registration, command.data)
          ? []
          : [{ type: 'DaemonRegistered', data: command.data }];
      case 'NoteRefusedOutput':
        return state.kind === 'registered'
          ? [{ type: 'DaemonOutputRefused', data: command.data }]
          : refuse('DAEMON_UNKNOWN', 'There is no such daemon.');
    }
  },
  evolve(state, event) {
    switch (event.type) {
      case 'DaemonRegistered':
        return { kind: 'registered', registration: event.data };
      case 'DaemonOutputRefused':
        return state;
      default:
        return unknown(event, state);
    }
  },
};

/** An event of a later version of makima changes nothing that this one decides. */
const unknown = (_event: never, state: DaemonState): DaemonState => state;

const isSame = (one: Registration, other: Registration): boolean =>
  one.name === other.name &&
  one.version === other.version &&
  one.hostname === other.hostname &&
  one.capacity === other.capacity &&
  one.runners.join('\0') === other.runners.join('\0');
