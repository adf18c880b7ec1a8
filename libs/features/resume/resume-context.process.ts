import { Inject, Injectable } from '@nestjs/common';
import type { Earlier } from '#libs/agents/runners/earlier-conversation.js';
import type { Queryable } from '#libs/database/database.js';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { hydrate } from '#libs/event-store/long-values.js';
import { ReadModels, type ReadContext } from '#libs/projections/read-models.js';
import { requireShown } from '../conversation/shown.js';
import { messagesIn } from '../conversation/conversation.queries.js';
import { countOf, cutAfter, slice, type Segment } from '../conversation/segments.js';
import { visibleTask } from '../task/task.guard.js';
import { NOTHING, plus, type Amount, type ResumeMode, type ResumeWish } from './context-options.js';
import { ConversationShaper, type Shaped } from './conversation-shaper.js';
import { finishedWork } from './finished-work.js';
import { resumePrompt, TOKENS_OF_ACCOUNT } from './resume-prompt.js';
import { RunRequests } from './run-requests.js';
import { amountIn, PAGE } from './resume.queries.js';
import { beginningsOf, saidBefore } from './said-before.js';
import { TOKENS_AROUND, tokensOf } from './token-estimate.js';

/** What of a conversation an agent is given, and what not: `given` and `leftOut` add up to `shown`. */
export interface Told extends Omit<Shaped, 'conversation'> {
  readonly shown: Amount;
}

export interface ResumeContext {
  readonly prompt: string;
  readonly conversation: readonly Earlier[];
  readonly told: Told;
}

/** What an agent is given when it starts or goes on with a task: from the log, never from what an agent stored itself. */
@Injectable()
export class ResumeContexts {
  constructor(
    private readonly reads: ReadModels,
    private readonly requests: RunRequests,
    @Inject(BlobStore) private readonly blobs: BlobStore,
  ) {}

  /**
   * For the run that was asked for last.
   * @throws Problem NOT_FOUND
   */
  async of(taskId: string, context: ReadContext): Promise<ResumeContext> {
    await this.reads.catchUpWithLog(['task', 'conversation', 'contract']);
    return this.for(taskId, await this.requests.newest(taskId, context.caller.ownerId), context);
  }

  /** For a run that could be asked for. */
  for(taskId: string, wish: ResumeWish, context: ReadContext): Promise<ResumeContext> {
    return this.reads.read(context, async (db) => {
      const { plan, contractId } = await visibleTask(db, context.caller, taskId);
      const { segments } = await requireShown(db, taskId, null, null);
      const isFirst = staying(segments, wish).length === 0 && wish.mode === 'with_context';
      const asked = { plan: wish.plan ?? plan, mode: wish.mode, prompt: wish.prompt, isFirst };
      const around = tokensOf(resumePrompt(asked, NO_ACCOUNT)) + TOKENS_OF_ACCOUNT;
      const room = Math.max(wish.shape.maxTokens - around, 0);
      const account =
        wish.mode === 'clean_restart' || wish.mode === 'restart_phase'
          ? await this.#afresh(db, { taskId, contractId, segments, room, mode: wish.mode })
          : await this.#shaped(db, { ...wish, segments, room, ownerId: context.caller.ownerId });
      const prompt = resumePrompt(asked, account);
      const { conversation, ...told } = account;
      const shown = told.leftOut.reduce<Amount>(plus, told.given);
      return { prompt, conversation, told: { ...told, shown, tokens: told.tokens + tokensOf(prompt) } };
    });
  }

  async #shaped(
    db: Queryable,
    wanted: ResumeWish & {
      readonly segments: readonly Segment[];
      readonly room: number;
      readonly ownerId: string;
    },
  ): Promise<Shaped> {
    const { shape, segments, room, ownerId } = wanted;
    const stays = staying(segments, wanted);
    const shaper = new ConversationShaper(shape, room);
    for (let end = countOf(stays); end > 0; end -= PAGE) {
      if (shaper.isFull) {
        shaper.leave(await amountIn(db, slice(stays, 0, end)), 'limit');
        break;
      }
      const rows = await messagesIn(db, slice(stays, end - PAGE, end));
      for (const row of rows.toReversed()) {
        const said = saidBefore(row);
        const isWhole = !row.has_blobs || !shaper.takesWhole;
        shaper.add(isWhole ? beginningsOf(said) : await hydrate(this.blobs, ownerId, said));
      }
    }
    const gone = slice(segments, countOf(stays), countOf(segments));
    if (gone.length > 0) shaper.leave(await amountIn(db, gone), 'after_checkpoint');
    return shaper.finish();
  }

  async #afresh(
    db: Queryable,
    {
      taskId,
      contractId,
      segments,
      room,
      mode,
    }: {
      readonly taskId: string;
      readonly contractId: string | null;
      readonly segments: readonly Segment[];
      readonly room: number;
      readonly mode: Extract<ResumeMode, 'clean_restart' | 'restart_phase'>;
    },
  ): Promise<Shaped> {
    const amount = await amountIn(db, segments);
    const leftOut = segments.length === 0 ? [] : [{ reason: mode, ...amount }];
    if (mode === 'clean_restart' || contractId === null) return { ...NO_ACCOUNT, leftOut };
    const content = await finishedWork(db, { contractId, supervisorId: taskId, room });
    const conversation: readonly Earlier[] = [{ kind: 'message', role: 'system', content }];
    return { ...NO_ACCOUNT, conversation, leftOut, tokens: tokensOf(content) + TOKENS_AROUND };
  }
}

/** What of a conversation stays. */
const staying = (segments: readonly Segment[], { keepUpTo }: ResumeWish): readonly Segment[] =>
  keepUpTo === undefined ? segments : cutAfter(segments, keepUpTo);

const NO_ACCOUNT: Shaped = {
  conversation: [],
  given: NOTHING,
  leftOut: [],
  shortened: 0,
  unknownCalls: 0,
  summary: false,
  tokens: 0,
};
