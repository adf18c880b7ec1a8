import type {
  FileChangeEntry,
  MessageEntry,
  TokenUsage,
  ToolCallEntry,
  ToolResultEntry,
} from '../transcripts/transcript.js';
import { applyEdits } from './edit-files.js';
import type { Happening } from './happening.js';
import type { Fate } from './line-counts.js';
import { picturesText, type Narrator } from './narrator.js';
import type { TurnCost } from './open-message.js';
import { editsOf } from './recorded-edits.js';
import type { ReplayStep } from './replay-script.js';
import { EditFailed, type TaskFolder } from './task-folder.js';

/** What of a step is told, and how it counts. */
export interface Played {
  readonly told: Happening;
  readonly fate: Fate;
}

/** Makes happenings of a recording's entries, and makes the edits that they tell of. */
export class ReplayTeller {
  readonly #calls = new Map<string, ToolCallEntry>();
  #spent: TurnCost = {};

  constructor(
    private readonly narrator: Narrator,
    private readonly folder: TaskFolder,
  ) {}

  /** Of what was played so far. */
  get spent(): TurnCost {
    return this.#spent;
  }

  /** A step that was played in an earlier run: what follows may answer its calls. */
  skip({ entry }: ReplayStep): void {
    if (entry.kind === 'message') for (const call of entry.toolCalls ?? []) this.#calls.set(call.id, call);
    else if (entry.kind === 'tool_result') this.#calls.delete(entry.toolCallId);
  }

  async tell(step: ReplayStep): Promise<Played> {
    const { entry, session } = step;
    const place = `entry:${session.sessionId}:${entry.sourceId}`;
    switch (entry.kind) {
      case 'message':
        return { told: this.#message(place, step, entry), fate: { as: 'told' } };
      case 'tool_result':
        return { told: await this.#result(place, step, entry), fate: { as: 'told' } };
      case 'rewind': {
        const content = JSON.stringify({ keepUpTo: entry.keepUpTo });
        return {
          told: this.narrator.tell(place, { kind: 'line', lineType: 'rewind', content }),
          fate: { as: 'kept', type: 'rewind' },
        };
      }
      case 'raw': {
        const { lineType, raw } = entry;
        return {
          told: this.narrator.tell(place, { kind: 'line', lineType, content: raw }),
          fate: { as: 'kept', type: lineType },
        };
      }
    }
  }

  #message(place: string, step: ReplayStep, entry: MessageEntry): Happening {
    const { role, thinking, model, usage, costUsd, toolCalls = [] } = entry;
    for (const call of toolCalls) this.#calls.set(call.id, call);
    this.#spend(usage, costUsd);
    const texts = [entry.content, ...picturesText(entry.images)].filter((text) => text !== '');
    return this.narrator.tell(place, {
      kind: 'message',
      role,
      content: texts.join('\n\n'),
      ...(thinking !== undefined && { thinking }),
      // The same recording may be played again in the same task: its calls are other calls then.
      ...(toolCalls.length > 0 && { toolCalls: toolCalls.map((call) => this.#renamed(call)) }),
      ...(model !== undefined && { model: model.slice(0, 500) }),
      ...(usage && { usage }),
      ...(costUsd !== undefined && { costUsd }),
      ...this.#parentOf(step),
    });
  }

  async #result(place: string, step: ReplayStep, entry: ToolResultEntry): Promise<Happening> {
    const { toolCallId, toolName } = entry;
    const call = this.#calls.get(toolCallId);
    this.#calls.delete(toolCallId);
    const { content, isError, files } = await this.#redo(step, entry, call);
    const texts = [content, ...picturesText(entry.images)].filter((text) => text !== '');
    return this.narrator.tell(place, {
      kind: 'tool_result',
      toolCallId: this.narrator.callId(toolCallId),
      ...(toolName && { toolName: toolName.slice(0, 1_000) }),
      content: texts.join('\n'),
      isError,
      ...(files.length > 0 && { files }),
      ...this.#parentOf(step),
    });
  }

  /** What the call did then it does again, if it did something to files then. */
  async #redo(
    { session }: ReplayStep,
    { content, isError }: ToolResultEntry,
    call: ToolCallEntry | undefined,
  ): Promise<{ content: string; isError: boolean; files: readonly FileChangeEntry[] }> {
    const files: readonly FileChangeEntry[] = [];
    if (isError || !call) return { content, isError, files };
    try {
      const edits = editsOf(session.agent, call);
      return { content, isError, files: edits ? await applyEdits(this.folder, edits) : files };
    } catch (error) {
      if (!(error instanceof EditFailed)) throw error;
      return { content: error.message, isError: true, files };
    }
  }

  #renamed(call: ToolCallEntry): ToolCallEntry {
    return { ...call, id: this.narrator.callId(call.id), name: call.name.slice(0, 1_000) || 'unknown' };
  }

  #parentOf({ parentCallId }: ReplayStep): { parentCallId?: string } {
    return parentCallId === undefined ? {} : { parentCallId: this.narrator.callId(parentCallId) };
  }

  #spend(usage: TokenUsage | undefined, costUsd: number | undefined): void {
    const { usage: before, costUsd: cost } = this.#spent;
    this.#spent = {
      ...this.#spent,
      ...(usage && { usage: before ? added(before, usage) : usage }),
      ...(costUsd !== undefined && { costUsd: (cost ?? 0) + costUsd }),
    };
  }
}

const added = (one: TokenUsage, other: TokenUsage): TokenUsage => ({
  input: one.input + other.input,
  output: one.output + other.output,
  cacheRead: (one.cacheRead ?? 0) + (other.cacheRead ?? 0),
  cacheWrite: (one.cacheWrite ?? 0) + (other.cacheWrite ?? 0),
});
