import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { writeCommit } from '#libs/git/commits.js';
import { packOf } from '#libs/git/packs.js';
import { ShadowRepository } from '#libs/git/shadow-repository.js';

/** The code of a world's checkpoint: a commit of one file, and the pack that brings it. */
export interface Code {
  readonly commit: string;
  readonly pack: Uint8Array;
}

/** Made as a daemon makes it; the path and the content of the file hold the marker. */
export async function codeOf(marker: string): Promise<Code> {
  const base = await mkdtemp(join(tmpdir(), 'makima-world-'));
  try {
    await mkdir(join(base, 'work'));
    await writeFile(join(base, 'work', `${marker}.ts`), `${marker}\n`);
    const shadow = await ShadowRepository.open(join(base, 'shadow'), join(base, 'work'));
    const { tree } = await shadow.capture();
    const at = '2026-01-05T10:08:00Z';
    const commit = await writeCommit(shadow.place, { tree, parents: [], message: marker, at });
    return { commit, pack: await bytesOf(packOf(shadow.place, commit, [])) };
  } finally {
    await rm(base, { recursive: true });
  }
}

async function bytesOf(stream: Readable): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
