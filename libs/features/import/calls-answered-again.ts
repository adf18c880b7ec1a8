import type { ToolCallEntry, TranscriptEntry } from '#libs/agents/transcripts/transcript.js';
import { callsToName, openCall } from '../conversation/calls.state.js';
import type { MessagePlace, OpenCall } from '../conversation/conversation.events.js';

interface CallMade {
  readonly call: ToolCallEntry;
  /** Of the message that made it. */
  readonly sourceId: string;
}

/** Finds the calls whose results a transcript tells once more after a rewind: there they are open again. */
export class CallsAnsweredAgain {
  #calls: ReadonlyMap<string, CallMade> | undefined;

  /** @param answered calls that have a result in the task. */
  constructor(
    private readonly entries: readonly TranscriptEntry[],
    private readonly answered: ReadonlySet<string>,
  ) {}

  /** @param index of the rewind. */
  after(index: number, placeOf: (sourceId: string) => MessagePlace | undefined): readonly OpenCall[] {
    const open: OpenCall[] = [];
    for (let at = index + 1; ; at += 1) {
      const entry = this.entries[at];
      if (entry?.kind !== 'tool_result' || !this.answered.has(entry.toolCallId)) break;
      this.#calls ??= callsIn(this.entries);
      const made = this.#calls.get(entry.toolCallId);
      const place = made && placeOf(made.sourceId);
      if (place) open.push(openCall(made.call, place));
    }
    return callsToName(open);
  }
}

const callsIn = (entries: readonly TranscriptEntry[]): ReadonlyMap<string, CallMade> =>
  new Map(
    entries.flatMap((entry) =>
      entry.kind === 'message'
        ? (entry.toolCalls ?? []).map((call) => [call.id, { call, sourceId: entry.sourceId }] as const)
        : [],
    ),
  );
