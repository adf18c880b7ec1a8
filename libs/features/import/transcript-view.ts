import { samePlace } from '../conversation/branches.js';
import type { MessagePlace } from '../conversation/conversation.events.js';

/** A message's place in a conversation, and the way that leads to it. */
export interface Placed {
  readonly place: MessagePlace;
  /** Messages up to it, itself included. */
  readonly count: number;
  /** The message before it; null for the first one, and where what a fork took over ends. */
  readonly before: Placed | null;
}

/** What a transcript itself shows of a conversation, whatever somebody did to the conversation in makima. */
export class TranscriptView {
  /** The last message that is shown; null: none is. */
  #end: Placed | null;

  constructor(end: Placed | null = null) {
    this.#end = end;
  }

  get end(): Placed | null {
    return this.#end;
  }

  add(place: MessagePlace): Placed {
    this.#end = { place, count: (this.#end?.count ?? 0) + 1, before: this.#end };
    return this.#end;
  }

  /** Goes back (or over) to what was shown when a message was the last; null: to the beginning. */
  goTo(target: Placed | null): void {
    this.#end = target;
  }

  /** Whether a message is shown. Of what a fork took over, all that its source shows up to there is. */
  shows(target: Placed | null): boolean {
    if (target === null) return true;
    let at = this.#end;
    while (at && at.count > target.count && at.before) at = at.before;
    return at !== null && (at.count > target.count || samePlace(at.place, target.place));
  }

  /** True when a message is the last one shown; null: when none is shown. */
  endsWith(target: Placed | null): boolean {
    return samePlace(this.#end?.place ?? null, target?.place ?? null);
  }
}
