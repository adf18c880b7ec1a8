import { Decompress } from 'fzstd';

const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const CHUNK = 64 * 1024;

/** More than this is not unpacked: a few kilobytes can claim to be terabytes. */
const MAX_UNPACKED_BYTES = 512 * 1024 * 1024;

export const isZstd = (bytes: Uint8Array): boolean => MAGIC.equals(bytes.subarray(0, MAGIC.length));

/** Unpacks zstd data, at most `limit` bytes (and a chunk). Throws when the data is damaged. */
function unpackUpTo(bytes: Uint8Array, limit: number): { readonly bytes: Buffer; readonly isWhole: boolean } {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const stream = new Decompress((chunk) => {
    chunks.push(chunk);
    length += chunk.length;
  });
  let start = 0;
  for (; start < bytes.length && length < limit; start += CHUNK) {
    stream.push(bytes.subarray(start, start + CHUNK), start + CHUNK >= bytes.length);
  }
  return { bytes: Buffer.concat(chunks), isWhole: start >= bytes.length };
}

/** The bytes of a file, unpacked if they are packed. Throws an Error with a sentence for people when they can't be. */
export function unpacked(bytes: Uint8Array): Uint8Array {
  if (!isZstd(bytes)) return bytes;
  const { bytes: whole, isWhole } = damagedOr(() => unpackUpTo(bytes, MAX_UNPACKED_BYTES));
  if (!isWhole || whole.length > MAX_UNPACKED_BYTES) {
    throw new Error(`it unpacks to more than ${MAX_UNPACKED_BYTES / 1024 / 1024} MiB`);
  }
  return whole;
}

/** The beginning of a file, unpacked if it is packed: enough to tell its format. */
export const unpackedHead = (bytes: Uint8Array, limit: number): Uint8Array =>
  isZstd(bytes) ? damagedOr(() => unpackUpTo(bytes, limit).bytes) : bytes;

function damagedOr<Result>(unpack: () => Result): Result {
  try {
    return unpack();
  } catch {
    throw new Error('its zstd data is damaged');
  }
}
