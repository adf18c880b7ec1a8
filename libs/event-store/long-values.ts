import type { BlobStore } from './blob-store.js';
import { BlobReference, isBlobReference } from '#libs/kernel/blob-reference.js';
import { fromStoredJson, toStoredJson } from './stored-json.js';
import { sha256 } from './event-hash.js';

/** Which values of an event may be long besides its texts, by the event's type: paths such as `toolCalls.*.input`. */
export type LongFields = Readonly<Record<string, readonly string[]>>;

type Path = readonly string[];

const PREVIEW_CHARACTERS = 1_000;
const PREVIEW_ITEMS = 20;
const PREVIEW_BYTES = 4_000;

/** Puts references for what is too long for an event, and keeps what they stand for until it is stored. */
export class Shortener {
  #contents: Buffer[] = [];

  /** @param limit bytes that a value may have. */
  constructor(private readonly limit: number) {}

  /** The JSON values that the references stand for. */
  get contents(): readonly Buffer[] {
    return this.#contents;
  }

  /** An event's data with references for every text, and every value at one of the paths, that is too long. */
  shorten(data: unknown, paths: readonly string[]): unknown {
    return this.#value(
      data,
      paths.map((path) => path.split('.')),
    );
  }

  #value(value: unknown, paths: readonly Path[]): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value !== 'object' || value === null || isBlobReference(value)) return value;
    const before = this.#contents.length;
    const short = Array.isArray(value)
      ? value.map((element) => this.#value(element, below(paths, '*')))
      : Object.fromEntries(
          Object.entries(value).map(([key, element]) => [key, this.#value(element, below(paths, key))]),
        );
    if (!paths.some((path) => path.length === 0) || this.#fits(toStoredJson(short))) return short;
    // It is kept in one piece: references inside of it are needed no longer.
    this.#contents.length = before;
    return this.#whole(value);
  }

  #text(text: string): string | BlobReference {
    if (this.#fits(text)) return text;
    const preview = beginning(text, Math.min(PREVIEW_CHARACTERS, this.limit / 8));
    return this.#kept(Buffer.from(JSON.stringify(text)), Buffer.byteLength(text), preview);
  }

  #whole(value: object): BlobReference {
    const json = toStoredJson(value);
    const content = Buffer.from(json);
    return Array.isArray(value)
      ? this.#kept(content, content.length, firstItems(value), value.length)
      : this.#kept(content, content.length, beginning(json, PREVIEW_CHARACTERS));
  }

  #kept(content: Buffer, bytes: number, preview: BlobReference['preview'], items?: number): BlobReference {
    this.#contents.push(content);
    return new BlobReference(sha256(content).toString('hex'), bytes, preview, items);
  }

  #fits(text: string): boolean {
    return text.length * 3 <= this.limit || Buffer.byteLength(text) <= this.limit;
  }
}

const below = (paths: readonly Path[], key: string): readonly Path[] =>
  paths.filter(([first]) => first === key).map(([, ...rest]) => rest);

/** The first characters of a text, none of them cut in two. */
const beginning = (text: string, length: number): string =>
  /^[\uDC00-\uDFFF]/.test(text[length] ?? '') ? text.slice(0, length - 1) : text.slice(0, length);

function firstItems(list: readonly unknown[]): readonly unknown[] {
  let bytes = 0;
  const tooMuch = list.slice(0, PREVIEW_ITEMS).findIndex((item) => {
    bytes += Buffer.byteLength(JSON.stringify(item));
    return bytes > PREVIEW_BYTES;
  });
  return list.slice(0, tooMuch < 0 ? PREVIEW_ITEMS : tooMuch);
}

/** A value as it is once every reference in it is replaced by what it stands for. */
export type Whole<T> = T extends BlobReference
  ? never
  : T extends readonly (infer Item)[]
    ? readonly Whole<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Whole<T[Key]> }
      : T;

/** A value of which it is known that it holds no reference. */
export const withoutReferences = <T>(value: T): Whole<T> => value as Whole<T>;

/** Replaces references by what they stand for. One that stands for nothing the owner has comes as it was written. */
export async function hydrate<T>(blobs: BlobStore, ownerId: string, value: T): Promise<Whole<T>> {
  const hashes = new Set<string>();
  visit(value, ({ sha256: hash }) => void hashes.add(hash));
  if (hashes.size === 0) return withoutReferences(value);
  const found = await blobs.get(ownerId, [...hashes]);
  return mapReferences(value, (reference) => valueOf(reference, found.get(reference.sha256))) as Whole<T>;
}

function visit(value: unknown, found: (reference: BlobReference) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (isBlobReference(value)) found(value);
  else for (const inner of Object.values(value)) visit(inner, found);
}

/** A copy of a value with something else for each of its references; `path` is where it stands, as `calls[0].input`. */
export function mapReferences(
  value: unknown,
  replace: (reference: BlobReference, path: string) => unknown,
  path = '',
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isBlobReference(value)) return replace(value, path);
  if (Array.isArray(value))
    return value.map((inner, index) => mapReferences(inner, replace, `${path}[${index}]`));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      mapReferences(inner, replace, path === '' ? key : `${path}.${key}`),
    ]),
  );
}

/**
 * What a reference stands for. Events of the first weeks did not disguise data that looks like a reference: one whose
 * blob is another thing than it says was such data.
 */
function valueOf(reference: BlobReference, blob: Buffer | undefined): unknown {
  const value = blob && parsed(blob);
  const { bytes, preview, items } = reference;
  const isIt =
    typeof value === 'string'
      ? Buffer.byteLength(value) === bytes && typeof preview === 'string' && value.startsWith(preview)
      : value !== undefined &&
        blob?.length === bytes &&
        (Array.isArray(value) ? value.length : undefined) === items;
  return isIt ? value : reference.toJSON();
}

function parsed(blob: Buffer): unknown {
  try {
    return fromStoredJson(blob.toString('utf8'));
  } catch {
    return undefined;
  }
}
