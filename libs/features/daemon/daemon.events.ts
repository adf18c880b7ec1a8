// Stream `daemon-<id>`: a daemon, which runs agents on its machine: what it says of itself, and what of it was refused.
// Starts with DaemonRegistered at its first hello. Never ends.
// Whether it is connected at this moment stands in the table `daemon_presence`: no event says so.

/** What a daemon says of itself. */
export interface Registration {
  readonly daemonId: string;
  readonly name: string;
  readonly version: string;
  readonly hostname: string;
  /** Agents that it runs at once. */
  readonly capacity: number;
  /** Names of the runners that it has. */
  readonly runners: readonly string[];
}

export type DaemonEvent =
  | {
      /** At its first hello, and when something of it has changed since. */
      readonly type: 'DaemonRegistered';
      readonly data: Registration;
    }
  | {
      /** It sent what happened in a task that it no longer held: nothing of that was recorded. */
      readonly type: 'DaemonOutputRefused';
      readonly data: {
        readonly taskId: string;
        /** Of the lease that it spoke under. */
        readonly epoch: number;
        readonly items: number;
        readonly firstId: string;
      };
    };

export const daemonStream = (daemonId: string): string => `daemon-${daemonId}`;
