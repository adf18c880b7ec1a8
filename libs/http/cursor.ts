import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Problem } from '#libs/kernel/problem.js';

/** What a cursor may be used for: one owner, one list, one choice of filters. */
export interface CursorBinding {
  readonly ownerId: string;
  /** Names the list and the shape of its state; a new shape gets a new name ("history/2"). */
  readonly route: string;
  /** The query DTO. Its `cursor` and `limit` are left out: they may change between pages. */
  readonly filters: object;
}

/** Where a list goes on. Positions stand as text (positionToken). */
type CursorState = readonly (string | number | boolean | null)[];

const MAC_BYTES = 16;
const MAX_LENGTH = 2_000;

/** JSON with sorted keys, so that the same filters always give the same text. Absent and undefined are the same. */
function canonical(filters: object): string {
  const kept = Object.fromEntries(
    Object.entries(filters).filter(([name]) => name !== 'cursor' && name !== 'limit'),
  );
  return JSON.stringify(kept, (_, inner: unknown) => {
    if (typeof inner === 'bigint') return inner.toString();
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** Seals where a list goes on into an opaque text that nobody else can make, or use elsewhere. */
export class CursorCodec {
  /** @param key at least 32 random bytes, the same after a restart and in every process. */
  constructor(private readonly key: Buffer) {
    if (key.length < 32) throw new RangeError('a cursor key has at least 32 bytes');
  }

  seal(binding: CursorBinding, state: CursorState): string {
    const payload = Buffer.from(JSON.stringify(state));
    return Buffer.concat([this.#mac(binding, payload), payload]).toString('base64url');
  }

  /**
   * Reads a cursor that `seal` gave for the same binding.
   * @throws Problem INVALID_CURSOR if it is forged, damaged, another owner's, or from other filters.
   */
  open(binding: CursorBinding, cursor: string): CursorState {
    const bytes = cursor.length <= MAX_LENGTH ? Buffer.from(cursor, 'base64url') : Buffer.alloc(0);
    const payload = bytes.subarray(MAC_BYTES);
    const genuine =
      bytes.length > MAC_BYTES &&
      bytes.toString('base64url') === cursor &&
      timingSafeEqual(bytes.subarray(0, MAC_BYTES), this.#mac(binding, payload));
    if (!genuine) {
      throw new Problem(
        'INVALID_CURSOR',
        'Start again without a cursor: this one was not given for this list with these filters.',
        {
          errors: [
            {
              field: 'cursor',
              code: 'INVALID',
              detail: 'must come from the same list with the same filters',
            },
          ],
        },
      );
    }
    return JSON.parse(payload.toString('utf8')) as CursorState;
  }

  #mac({ ownerId, route, filters }: CursorBinding, payload: Buffer): Buffer {
    const bound = createHash('sha256')
      .update(JSON.stringify([ownerId, route, canonical(filters)]))
      .digest();
    return createHmac('sha256', this.key).update(bound).update(payload).digest().subarray(0, MAC_BYTES);
  }
}
