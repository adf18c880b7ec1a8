import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { createdId } from '#libs/commands/command-context.js';
import type { CommandContext } from '#libs/commands/command-context.js';
import type { EventOrigin } from '#libs/commands/decider-handler.js';
import { EventIdConflict, EventStore } from '#libs/event-store/event-store.js';
import { Problem } from '#libs/kernel/problem.js';
import type { SnapshotPolicy } from '../snapshot/snapshot.decider.js';
import type { LeaseHeld } from '../lease/lease.decider.js';
import { DispatchTask } from './task.commands.js';
import type { Activity } from './activity.decider.js';
import type { OpenTask } from './task.state.js';
import { taskStream } from './task.events.js';

/** Token of the SnapshotPolicy. */
export const SNAPSHOT_POLICY = 'SNAPSHOT_POLICY';

/** Something that happened, with the id and time that its source gave it. */
export interface Happening {
  readonly id: string;
  readonly occurredAt: string;
  readonly activity: Activity;
}

export interface RecordOutcome {
  /** Events written now. */
  readonly recorded: number;
  /** Items that the task had already. */
  readonly repeated: number;
  readonly version: number;
  readonly position: bigint;
  readonly controlVersion: number | null;
}

/** Short hash of what an item says, by which a repetition is told from another item under the same id. */
export const hashOf = (activity: Activity): string =>
  createHash('sha256').update(JSON.stringify(activity)).digest('base64url').slice(0, 22);

/** Records what happened in a task. Items that it has already are passed over, so that sending again is harmless. */
@Injectable()
export class ActivityRecorder {
  constructor(
    private readonly commands: CommandBus,
    @Inject(EventStore) private readonly store: EventStore,
    @Inject(SNAPSHOT_POLICY) private readonly policy: SnapshotPolicy,
  ) {}

  /**
   * @param lease the one that a daemon speaks under; null: a daemon speaks under none. Absent: it is no daemon.
   * @throws Problem LEASE_STALE; EVENT_ID_CONFLICT when an id stands in the task with another content.
   */
  async record(
    taskId: string,
    happenings: readonly Happening[],
    context: CommandContext,
    lease?: LeaseHeld | null,
  ): Promise<RecordOutcome> {
    let fresh = happenings;
    for (;;) {
      try {
        return await this.#append(taskId, fresh, context, {
          repeated: happenings.length - fresh.length,
          lease,
        });
      } catch (error) {
        if (!(error instanceof EventIdConflict)) throw error;
        const left = await this.#withoutKnown(taskId, fresh);
        if (left.length === 0) return this.#known(taskId, happenings);
        // Somebody else records some of the same items at this moment; as long as fewer are left, it goes on.
        if (left.length === fresh.length) throw error;
        fresh = left;
      }
    }
  }

  /** The answer to a batch of which the task had everything. */
  async #known(taskId: string, happenings: readonly Happening[]): Promise<RecordOutcome> {
    const ids = happenings.map(({ id }) => id);
    const last = (await this.store.findEvents(taskStream(taskId), ids)).at(-1)!;
    const { version, position } = last;
    return { recorded: 0, repeated: happenings.length, version, position, controlVersion: null };
  }

  async #append(
    taskId: string,
    happenings: readonly Happening[],
    context: CommandContext,
    { repeated, lease }: { readonly repeated: number; readonly lease: LeaseHeld | null | undefined },
  ) {
    const origins = happenings.map(({ id, occurredAt, activity }): EventOrigin => ({
      id,
      occurredAt,
      inputHash: hashOf(activity),
    }));
    const outcome = await this.commands.execute(
      new DispatchTask(
        taskId,
        {
          type: 'RecordActivity',
          ...(lease === undefined ? {} : { lease }),
          activities: happenings.map(({ activity }) => activity),
          snapshots: {
            policy: this.policy,
            places: happenings.map(({ id, occurredAt: at }) => ({
              snapshotId: createdId(context, `snapshot of ${taskId} after ${id}`),
              at,
            })),
          },
        },
        // The items' own ids make the repetition safe, whatever the key of the request is.
        { ...context, idempotent: false },
        { origins },
      ),
    );
    const { controlVersion } = outcome.state as OpenTask;
    const again = outcome.repeated ? happenings.length : 0;
    return {
      recorded: happenings.length - again,
      repeated: repeated + again,
      version: outcome.version,
      position: outcome.position,
      controlVersion,
    };
  }

  async #withoutKnown(taskId: string, happenings: readonly Happening[]): Promise<readonly Happening[]> {
    const known = await this.store.findEvents(
      taskStream(taskId),
      happenings.map(({ id }) => id),
    );
    const hashes = new Map(known.map((event) => [event.id, event.metadata.inputHash]));
    const misused = happenings.filter(
      ({ id, activity }) => hashes.has(id) && hashes.get(id) !== hashOf(activity),
    );
    if (misused.length > 0) {
      throw new Problem(
        'EVENT_ID_CONFLICT',
        `The task holds ${misused.length} of these ids with another content. Give what is new an id of its own.`,
        { context: { ids: misused.slice(0, 20).map(({ id }) => id) } },
      );
    }
    return happenings.filter(({ id }) => !hashes.has(id));
  }
}
