import { sha256 } from './event-hash.js';

/** Content-addressed bytes, apart for each owner: knowing a hash gives nobody else's content away. */
export abstract class BlobStore {
  /** Stores what is not there yet. @returns the lower-case hex SHA-256 of each, in order. */
  abstract put(ownerId: string, contents: readonly Uint8Array[]): Promise<readonly string[]>;
  /** Those of the hashes that the owner has. */
  abstract get(ownerId: string, hashes: readonly string[]): Promise<ReadonlyMap<string, Buffer>>;
}

export class MemoryBlobStore extends BlobStore {
  readonly #blobs = new Map<string, Buffer>();

  override async put(ownerId: string, contents: readonly Uint8Array[]): Promise<readonly string[]> {
    return contents.map((content) => {
      const hash = sha256(content).toString('hex');
      this.#blobs.set(`${ownerId}/${hash}`, Buffer.from(content));
      return hash;
    });
  }

  override async get(ownerId: string, hashes: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    const found = new Map<string, Buffer>();
    for (const hash of hashes) {
      const blob = this.#blobs.get(`${ownerId}/${hash}`);
      if (blob) found.set(hash, blob);
    }
    return found;
  }
}
