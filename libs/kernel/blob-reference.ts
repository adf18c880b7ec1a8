/** What stands in an event for a text or a list that is too long for it. */
export interface ReferenceJson {
  readonly sha256: string;
  readonly bytes: number;
  readonly preview: string | readonly unknown[];
  readonly items?: number;
}

/**
 * Stands in an event for a value that is too long for it; the blob of that hash holds the value as JSON. Only reading
 * what the log has stored makes one: what somebody else wrote in its form stays data.
 */
export class BlobReference {
  constructor(
    /** Lower-case hex SHA-256 of the blob. */
    readonly sha256: string,
    /** Length of a text in UTF-8, of anything else as JSON. */
    readonly bytes: number,
    /** How a text, or the JSON of an object, begins; a list's first items. */
    readonly preview: string | readonly unknown[],
    /** How many items a list has. */
    readonly items?: number,
  ) {}

  toJSON(): { readonly $blob: ReferenceJson } {
    const { sha256, bytes, preview, items } = this;
    return { $blob: { sha256, bytes, preview, ...(items === undefined ? {} : { items }) } };
  }
}

/** A text of an event as it is read back: one that is too long for its event comes as a reference. */
export type LongText = string | BlobReference;

/** A list of an event as it is read back: one that is too long for its event comes as a reference. */
export type LongList<Item> = readonly Item[] | BlobReference;

export const isBlobReference = (value: unknown): value is BlobReference => value instanceof BlobReference;

/** How many items a list has, wherever it stands. */
export const lengthOf = (list: LongList<unknown> | undefined): number =>
  (isBlobReference(list) ? list.items : list?.length) ?? 0;
