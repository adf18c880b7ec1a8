/** An entry as the tree needs it. `isAside`: commands, notices and the like, which don't tell where a prompt hangs. */
export interface Place {
  readonly sourceId: string;
  readonly line: number;
  readonly isAside: boolean;
}

interface Node {
  /** The nearest entry at or above this line. */
  readonly entry: Place | undefined;
  /** The nearest entry at or above this line that is no aside; for none the tree's root. */
  readonly anchor: Place | Root;
}

interface Root {
  readonly isRoot: true;
}

const FIRST_ROOT: Root = { isRoot: true };

/** Entries that were recorded one after the other, and what the conversation showed before them. */
interface Stretch {
  /** Shown before it: another stretch, up to a line. */
  readonly base: Stretch | undefined;
  readonly upTo: number;
}

/** What a line hangs under: the id that it names, null for nothing, undefined where the format does not say. */
export type ParentId = string | null | undefined;

/**
 * Who answers whom, through lines that are no messages. A parent must have come before its child, so that cycles cannot
 * arise and a longer file tells the same of its beginning.
 */
export class ThreadTree {
  readonly #nodes = new Map<string, Node>();
  readonly #firstPrompts = new Map<Place | Root, number>();
  readonly #stretches = new Map<Place, Stretch>();
  /** The one that goes on. */
  #stretch: Stretch = { base: undefined, upTo: 0 };
  #last: Node | undefined;
  #orphans = 0;

  /** Lines whose parent is not in the file; they hang under the line before them. */
  get orphans(): number {
    return this.#orphans;
  }

  has(id: string): boolean {
    return this.#nodes.has(id);
  }

  /** Adds a line. Without an entry of its own it passes on its parent's. The first line of an id stands. */
  add(id: string | undefined, parentId: ParentId, entry?: Place): void {
    if (typeof parentId === 'string' && !this.#nodes.has(parentId)) this.#orphans += 1;
    const parent = this.#nodeAt(parentId);
    const node: Node = {
      entry: entry ?? parent?.entry,
      anchor: entry && !entry.isAside ? entry : (parent?.anchor ?? { isRoot: true }),
    };
    this.#last = node;
    if (entry && !this.#stretches.has(entry)) this.#stretches.set(entry, this.#stretch);
    if (id !== undefined && !this.#nodes.has(id)) this.#nodes.set(id, node);
  }

  /**
   * Says whether the conversation went back (or over to another branch) to a prompt of a person: when it is the second
   * one in the same place, or hangs under what is no longer shown. The answer is the id of the last entry that still
   * holds (null: none). Undefined: the conversation went on.
   * @param opensContext a prompt that begins a context of its own on purpose is no way back.
   */
  promptUnder(parentId: ParentId, line: number, opensContext: boolean): string | null | undefined {
    // Where an orphan belongs is not known.
    if (typeof parentId === 'string' && !this.#nodes.has(parentId)) return undefined;
    const keepUpTo = this.#lastKept(this.#nodeAt(parentId), line, opensContext);
    if (keepUpTo === undefined) return undefined;
    const base = keepUpTo ? this.#stretches.get(keepUpTo) : undefined;
    this.#stretch = { base, upTo: keepUpTo?.line ?? 0 };
    return keepUpTo?.sourceId ?? null;
  }

  #lastKept(parent: Node | undefined, line: number, opensContext: boolean): Place | null | undefined {
    const place = parent?.anchor ?? FIRST_ROOT;
    const nearest = parent?.entry;
    const first = this.#firstPrompts.get(place);
    if (first === undefined) {
      this.#firstPrompts.set(place, line);
      return nearest && !this.#isShown(nearest) ? nearest : undefined;
    }
    if (!parent && opensContext) return undefined;
    if (nearest && nearest.line < first) return nearest;
    return 'sourceId' in place ? place : null;
  }

  #isShown(place: Place): boolean {
    const own = this.#stretches.get(place);
    let upTo = Infinity;
    for (let stretch: Stretch | undefined = this.#stretch; stretch; stretch = stretch.base) {
      if (stretch === own) return place.line <= upTo;
      upTo = stretch.upTo;
    }
    return false;
  }

  #nodeAt(id: ParentId): Node | undefined {
    return id === null ? undefined : ((id === undefined ? undefined : this.#nodes.get(id)) ?? this.#last);
  }
}
