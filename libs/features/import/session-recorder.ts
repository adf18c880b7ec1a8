import type { TranscriptSession } from '#libs/agents/transcripts/transcript.js';
import type { EventOrigin } from '#libs/commands/decider-handler.js';
import type { BlobStore } from '#libs/event-store/blob-store.js';
import { RefusalException } from '#libs/kernel/problem.js';
import { NOTHING_SHOWN, tipOf, type Tip } from '../conversation/branches.js';
import { ASIDE } from '../conversation/conversation.events.js';
import { hashOf, type Happening } from '../task/activity.process.js';
import type { Activity } from '../task/activity.decider.js';
import type { OpenTask } from '../task/task.state.js';
import { batches } from './batches.js';
import type { ImportRun } from './import-run.js';
import type { KnownTask } from './known-task.js';
import type { KnownTasks } from './known-tasks.js';
import { SessionPlan, type PlannedHappening } from './session-plan.js';
import type { SharedPart } from './shared-part.js';
import { amendmentId, type ImportIds } from './transcript-ids.js';

/** One after the other, without anything having been recorded. */
const MAX_ATTEMPTS = 5;
const REASON = 'Messages were added to what the transcript shows.';

/** What a task showed when it was rewound or went on in makima: it is shown again after messages were added. */
interface Aside {
  /** What the transcript shows. */
  readonly transcript: Tip;
  readonly shown: Tip;
}

/** Where a task's conversation stands. */
interface End {
  readonly changes: number;
  /** Null while the task shows what its transcript shows. */
  readonly aside: Aside | null;
}

/** Lets others have their turn. */
const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Records in a task what it does not hold yet of a session. */
export class SessionRecorder {
  constructor(
    private readonly run: ImportRun,
    private readonly tasks: KnownTasks,
    private readonly blobs: BlobStore,
  ) {}

  /** @returns what was planned, in a dry run without carrying it out. */
  async record(
    session: TranscriptSession,
    ids: ImportIds,
    shared: SharedPart | null,
    before: KnownTask,
  ): Promise<SessionPlan> {
    const recorded = new Set<string>();
    let known = before;
    let [attempts, done] = [0, 0];
    for (;;) {
      const plan = new SessionPlan(session, known, ids, shared, recorded);
      try {
        await this.#carryOut(plan, known, recorded);
        return plan;
      } catch (error) {
        // The conversation has changed meanwhile: what is left is worked out again.
        attempts = recorded.size > done ? 1 : attempts + 1;
        if (!isChanged(error) || attempts >= MAX_ATTEMPTS) throw error;
        done = recorded.size;
        known = await this.tasks.load(ids.taskId);
      }
    }
  }

  async #carryOut(plan: SessionPlan, known: KnownTask, recorded: Set<string>): Promise<void> {
    const { taskId, changes, shownBeside } = known;
    let end: End = {
      changes,
      aside: shownBeside && { transcript: tipOfView(known), shown: shownBeside },
    };
    for (let next = plan.next(); next; next = plan.next()) {
      this.run.assertWanted();
      if (this.run.dryRun || next.length === 0) await pause();
      else {
        for (const batch of batches(next)) {
          end = await this.#append(taskId, batch, end);
          for (const { id } of batch) recorded.add(id);
        }
      }
    }
    if (this.run.dryRun) this.tasks.plan(known);
  }

  async #append(taskId: string, batch: readonly PlannedHappening[], end: End): Promise<End> {
    const images = batch.flatMap((happening) => happening.images ?? []);
    if (images.length > 0) {
      await this.blobs.put(
        this.run.context.ownerId,
        images.map(({ bytes }) => bytes),
      );
    }
    const { aside, changes: expectedChanges } = end;
    const beside = aside !== null && batch.some(({ goesOn }) => goesOn) ? aside : null;
    const happenings = beside ? this.#beside(batch, beside) : batch;
    const { state } = await this.run.task(
      taskId,
      {
        type: 'RecordActivity',
        activities: happenings.map(({ activity }) => activity),
        // No snapshots: a transcript's history holds what is in the transcript, and nothing of ours.
        expectedChanges,
      },
      happenings.map(originOf),
    );
    const { changes } = (state as OpenTask).conversation;
    if (!beside) return { changes, aside };
    return { changes, aside: { ...beside, transcript: tipOfTranscript(state as OpenTask) } };
  }

  /** Shows the transcript's conversation, adds to it, and shows again what was shown before. */
  #beside(batch: readonly PlannedHappening[], { transcript, shown }: Aside): readonly Happening[] {
    const at = this.run.context.now.toISOString();
    const id = batch[0]!.id;
    const show = (what: string, tip: Tip): Happening => ({
      id: amendmentId(id, what),
      occurredAt: at,
      activity: restoring(tip),
    });
    return [show('aside', transcript), ...batch, show('back', shown)];
  }
}

const restoring = ({ last, count }: Tip): Activity => ({
  type: 'RestoreConversation',
  keepUpTo: last,
  keptMessages: count,
  point: { kind: 'transcript', value: ASIDE },
  reason: REASON,
});

const originOf = ({ id, occurredAt, activity }: Happening): EventOrigin => ({
  id,
  occurredAt,
  inputHash: hashOf(activity),
});

/** What the transcript shows after an addition: the branch that was left for the present one. */
function tipOfTranscript({ conversation }: OpenTask): Tip {
  const left = conversation.branches[conversation.branch]?.previous ?? 0;
  return tipOf(conversation, left);
}

const tipOfView = ({ view: { end } }: KnownTask): Tip =>
  end ? { last: end.place, count: end.count } : NOTHING_SHOWN;

const isChanged = (error: unknown): boolean =>
  error instanceof RefusalException && error.code === 'PRECONDITION_FAILED';
