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

/** What a line hangs under: the id that it names, null for nothing, undefined where the format does not say. */
export type ParentId = string | null | undefined;

/**
 * Who answers whom, through lines that are no messages. A parent must have come before its child, so that cycles cannot
 * arise and a longer file tells the same of its beginning.
 */
export class ThreadTree {
  readonly #nodes = new Map<string, Node>();
  readonly #firstPrompts = new Map<Place | Root, number>();
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
    if (id !== undefined && !this.#nodes.has(id)) this.#nodes.set(id, node);
  }

  /**
   * Says whether a prompt of a person is the second one in the same place: then the conversation went back, and the
   * answer is the id of the last entry that still holds (null: none). Undefined: the conversation went on.
   * @param opensContext a prompt that begins a context of its own on purpose is no way back.
   */
  promptUnder(parentId: ParentId, line: number, opensContext: boolean): string | null | undefined {
    // Where an orphan belongs is not known.
    if (typeof parentId === 'string' && !this.#nodes.has(parentId)) return undefined;
    const parent = this.#nodeAt(parentId);
    const place = parent?.anchor ?? FIRST_ROOT;
    const first = this.#firstPrompts.get(place);
    if (first === undefined) {
      this.#firstPrompts.set(place, line);
      return undefined;
    }
    if (!parent && opensContext) return undefined;
    const nearest = parent?.entry;
    if (nearest && nearest.line < first) return nearest.sourceId;
    return 'sourceId' in place ? place.sourceId : null;
  }

  #nodeAt(id: ParentId): Node | undefined {
    return id === null ? undefined : ((id === undefined ? undefined : this.#nodes.get(id)) ?? this.#last);
  }
}
