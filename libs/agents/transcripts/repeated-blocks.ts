import type { Block } from './claude-code-blocks.js';
import type { EntryLog } from './entry-log.js';
import type { Place } from './thread-tree.js';

/** The entry that a line's blocks went into, once it is known. */
interface Home {
  place?: Place;
}

export interface SortedBlocks {
  /** Blocks that were not there before. */
  readonly fresh: readonly Block[];
  /** Where the others are, as far as that is known. */
  readonly knownPlace: Place | undefined;
  /** Says where the fresh ones went. */
  readonly settle: (place: Place | undefined) => void;
}

/**
 * Tells blocks that a file repeats: resumed conversations are written again with new line ids, but with the same
 * times, texts and call ids. A call or a result is known by its id, anything else by its time and content.
 */
export class RepeatedBlocks {
  readonly #homes = new Map<string, Map<string, Home>>();

  /** @param scope blocks are compared within it: a message's id, or one name for all users' texts. */
  sort(blocks: readonly Block[], scope: string, time: string | undefined, log: EntryLog): SortedBlocks {
    const fresh: Block[] = [];
    const mine: Home = {};
    const additions: (() => void)[] = [];
    let knownPlace: Place | undefined;
    for (const block of blocks) {
      if (block.kind === 'call') {
        if (log.call(block.call)) fresh.push(block);
        continue;
      }
      if (block.kind === 'result') {
        if (!log.resultOf(block.toolCallId)) fresh.push(block);
        continue;
      }
      const homes = time === undefined ? undefined : this.#homesAt(`${time} ${block.kind} ${scope}`);
      const home = homes?.get(keyOf(block));
      if (home) knownPlace ??= home.place;
      else fresh.push(block);
      // Added after the line: blocks of one line don't repeat each other.
      if (homes && !home) additions.push(() => homes.set(keyOf(block), mine));
    }
    for (const add of additions) add();
    return { fresh, knownPlace, settle: (place) => place && (mine.place = place) };
  }

  #homesAt(key: string): Map<string, Home> {
    const known = this.#homes.get(key);
    if (known) return known;
    const homes = new Map<string, Home>();
    this.#homes.set(key, homes);
    return homes;
  }
}

const keyOf = (block: Block): string => {
  if (block.kind === 'image') return block.key;
  return 'text' in block ? block.text : '';
};
