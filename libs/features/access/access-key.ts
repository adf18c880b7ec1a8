import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { CallerKind } from '#libs/kernel/caller.js';
import { KEY_KINDS } from './scopes.js';

/** A key as it is handed out: `mk_<kind>_<id>_<secret>_<crc>`. The token is shown once and stored nowhere. */
export interface IssuedKey {
  readonly id: string;
  readonly token: string;
  readonly secretHash: Buffer;
}

/** What a token says of itself; its secret is compared with the stored hash. */
export interface ParsedToken {
  readonly kind: CallerKind;
  readonly id: string;
  readonly secretHash: Buffer;
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 16;
/** 190 bits. */
const SECRET_LENGTH = 32;
const TOKEN = new RegExp(
  `^(mk_(${KEY_KINDS.join('|')})_([0-9a-f]{${ID_LENGTH}})_([0-9A-Za-z]{${SECRET_LENGTH}}))_([0-9a-f]{8})$`,
);

/** The form of a key's id: public, safe in logs. */
export const KEY_ID = new RegExp(`^[0-9a-f]{${ID_LENGTH}}$`);

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0');
const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** Random characters, each as likely as the others. */
function randomText(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 is the largest multiple of 62 in a byte: beyond it the first characters would come up more often.
      if (byte < 248 && text.length < length) text += ALPHABET[byte % 62]!;
    }
  }
  return text;
}

/** The id of the key that a command creates: a repeated command finds the same key. */
export const keyIdOf = (commandId: string): string =>
  createHash('sha256').update(`access-key:${commandId}`).digest('hex').slice(0, ID_LENGTH);

/** Makes a key with a secret of its own. */
export function issueKey(kind: CallerKind, id: string): IssuedKey {
  const secret = randomText(SECRET_LENGTH);
  const body = `mk_${kind}_${id}_${secret}`;
  return { id, token: `${body}_${checksum(body)}`, secretHash: hashOf(secret) };
}

/** Reads a token; null for what was mistyped, cut off or made up, which needs no look at the database. */
export function parseToken(token: string): ParsedToken | null {
  const parts = TOKEN.exec(token);
  if (!parts || checksum(parts[1]!) !== parts[5]) return null;
  return { kind: parts[2] as CallerKind, id: parts[3]!, secretHash: hashOf(parts[4]!) };
}

/** Compares two hashes in a time that does not depend on where they differ. */
export const sameSecret = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b);
