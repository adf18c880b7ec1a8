import { createHash } from 'node:crypto';

const PLAIN_ID = /^[\x21-\x7e]{1,200}$/;
const TITLE_LENGTH = 120;

/** A short name for a text, the same on every machine: 64 bits of its SHA-256 in hex. */
export const fingerprint = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);

/** An id from a file as it can be used: a very long or unprintable one is replaced by its fingerprint. */
export const safeId = (id: string): string => (PLAIN_ID.test(id) ? id : `id-${fingerprint(id)}`);

/** Hands out ids that are unique in a session and the same whenever the same ids are asked for in the same order. */
export class UniqueIds {
  readonly #uses = new Map<string, number>();

  take(wanted: string): string {
    const id = safeId(wanted);
    for (;;) {
      const uses = (this.#uses.get(id) ?? 0) + 1;
      this.#uses.set(id, uses);
      if (uses === 1) return id;
      const next = `${id}~${uses}`;
      if (!this.#uses.has(next)) {
        this.#uses.set(next, 1);
        return next;
      }
    }
  }
}

/** One line for people: white space collapsed, at most 120 characters. */
export function titleOf(text: string): string {
  const line = text
    .slice(0, TITLE_LENGTH * 20)
    .replace(/\s+/g, ' ')
    .trim();
  const characters = Array.from(line);
  return characters.length <= TITLE_LENGTH ? line : `${characters.slice(0, TITLE_LENGTH - 1).join('')}…`;
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$/;

/** ISO 8601 in UTC with milliseconds, or undefined for anything that is no such time. */
export function timeOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || !ISO_TIME.test(value)) return undefined;
  const milliseconds = Date.parse(value);
  if (Number.isNaN(milliseconds)) return undefined;
  const time = new Date(milliseconds).toISOString();
  // What Postgres has no year for is no time of anybody's either.
  return time.length === 24 && !time.startsWith('0000') ? time : undefined;
}
