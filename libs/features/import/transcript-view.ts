import type { Segment } from '../conversation/conversation.events.js';
import type { MessagePlace } from '../conversation/segments.js';

/** Messages that were recorded one after the other, and what the conversation showed before them. */
interface Line {
  readonly base: readonly Segment[];
  readonly taskId: string;
  readonly from: number;
}

/** A message's place, and the line of the conversation that it stands on. */
export interface Placed {
  readonly place: MessagePlace;
  readonly line: Line;
}

/** What a conversation showed when a message was its last. */
export const pathTo = ({ place, line }: Placed): readonly Segment[] => [
  ...line.base,
  { taskId: line.taskId, from: line.from, to: place.seq },
];

/** Closed segments with neighbouring runs joined: equal for two lists that show the same messages in the same order. */
export function joined(segments: readonly Segment[]): readonly Segment[] {
  const runs: Segment[] = [];
  for (const segment of segments) {
    const last = runs.at(-1);
    const goesOn = last?.taskId === segment.taskId && segment.from === (last.to ?? 0) + 1;
    if (goesOn) runs[runs.length - 1] = { ...last, to: segment.to };
    else runs.push(segment);
  }
  return runs;
}

/** What a transcript itself shows of a conversation, whatever somebody did to the conversation in makima. */
export class TranscriptView {
  #base: readonly Segment[];
  #line: Line | null = null;
  #to = 0;

  constructor(base: readonly Segment[] = []) {
    this.#base = base;
  }

  add(place: MessagePlace): Placed {
    const { taskId, seq } = place;
    if (this.#line?.taskId !== taskId || seq !== this.#to + 1) {
      this.#line = { base: this.path(), taskId, from: seq };
    }
    this.#to = seq;
    return { place, line: this.#line };
  }

  /** Goes back (or over) to what was shown when a message was the last; null: to the beginning. */
  goTo(target: Placed | null): void {
    this.show(target ? pathTo(target) : []);
  }

  show(segments: readonly Segment[]): void {
    this.#base = segments;
    this.#line = null;
  }

  path(): readonly Segment[] {
    return this.#line
      ? pathTo({ place: { taskId: this.#line.taskId, seq: this.#to }, line: this.#line })
      : this.#base;
  }

  /** True when a message is the last one shown; null: when none is shown. */
  endsWith(target: Placed | null): boolean {
    const last = this.path().at(-1);
    if (!last || !target) return !last && !target;
    return last.taskId === target.place.taskId && last.to === target.place.seq;
  }
}
