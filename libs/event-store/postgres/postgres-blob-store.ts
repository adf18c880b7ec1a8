import { binaryArray } from '#libs/database/binary-array.js';
import type { Queryable } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { BlobStore } from '../blob-store.js';
import { sha256 } from '../event-hash.js';

/** Blobs in the table `blobs`, beside the read models, whatever engine the log runs on. */
export class PostgresBlobStore extends BlobStore {
  constructor(private readonly database: Queryable) {
    super();
  }

  override async put(ownerId: string, contents: readonly Uint8Array[]): Promise<readonly string[]> {
    const hashes = contents.map((content) => sha256(content));
    for (const [index, content] of contents.entries()) {
      await this.database.query(sql`
        INSERT INTO blobs (owner_id, sha256, bytes, content)
        VALUES (${ownerId}, ${hashes[index]}, ${content.length}, ${content}) ON CONFLICT DO NOTHING`);
    }
    return hashes.map((hash) => hash.toString('hex'));
  }

  override async get(ownerId: string, hashes: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    if (hashes.length === 0) return new Map();
    const wanted = binaryArray(
      'bytea',
      hashes.map((hash) => Buffer.from(hash, 'hex')),
    );
    const rows = await this.database.query<{ sha256: Buffer; content: Buffer }>(sql`
      SELECT sha256, content FROM blobs WHERE owner_id = ${ownerId} AND sha256 = ANY (${wanted}::bytea[])`);
    return new Map(rows.map((row) => [row.sha256.toString('hex'), row.content]));
  }
}
