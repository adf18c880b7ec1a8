import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pin, pinned, writeCommit } from './commits.js';
import { git } from './git.js';
import { Hub } from './hub.js';
import { packOf, PackRefused } from './packs.js';
import { ShadowRepository } from './shadow-repository.js';

let base: string;
let hub: Hub;
let shadow: ShadowRepository;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'makima-hub-'));
  execFileSync('mkdir', [join(base, 'work')]);
  shadow = await ShadowRepository.open(join(base, 'shadow'), join(base, 'work'));
  hub = await Hub.open(join(base, 'hub'));
});
afterEach(() => rm(base, { recursive: true }));

const AT = '2026-01-05T10:00:00Z';
const ref = (number: number): string => `refs/makima/checkpoints/${number}`;

async function commit(content: string | Buffer, parents: readonly string[] = []): Promise<string> {
  await writeFile(join(base, 'work/file'), content);
  const { tree } = await shadow.capture();
  return writeCommit(shadow.place, { tree, parents, message: 'checkpoint', at: AT });
}

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const send = (id: string, have: readonly string[], number: number): Promise<void> =>
  hub.receive(packOf(shadow.place, id, have), { ref: ref(number), commit: id });

/** Names and contents of everything in the hub. */
const listing = (): Promise<readonly string[]> => readdir(join(base, 'hub'), { recursive: true });

it('holds what a daemon had, also when the daemon is gone', async () => {
  const first = await commit(randomBytes(100_000));
  const second = await commit('second\n', [first]);
  await send(first, [], 1);
  await send(second, [first], 2);
  await send(second, [first], 2);
  await rm(join(base, 'shadow'), { recursive: true });
  expect((await git(hub.place, ['cat-file', 'blob', `${second}:file`])).toString()).toBe('second\n');
  expect((await git(hub.place, ['cat-file', 'blob', `${first}:file`])).length).toBe(100_000);
});

it('keeps what is pinned through a collection of garbage', async () => {
  const first = await commit('first\n');
  await pin(shadow.place, ref(1), first);
  await send(first, [], 1);
  for (const place of [shadow.place, hub.place]) {
    await git(place, ['gc', '--quiet', '--prune=now']);
    expect((await git(place, ['cat-file', 'blob', `${first}:file`])).toString()).toBe('first\n');
  }
  // What nobody pinned goes: the pins are what keeps it.
  const loose = await commit('loose\n');
  await git(shadow.place, ['gc', '--quiet', '--prune=now']);
  await expect(git(shadow.place, ['cat-file', '-e', loose])).rejects.toThrow('git cat-file');
});

it.each<readonly [string, (pack: Buffer) => Buffer]>([
  ['nothing', () => Buffer.alloc(0)],
  ['what is no pack', () => Buffer.from('hello')],
  ['half of a pack', (pack) => pack.subarray(0, pack.length / 2)],
  ['a pack with a wrong byte', (pack) => Buffer.from(pack.map((byte, at) => (at === 40 ? byte ^ 1 : byte)))],
])('refuses %s, and keeps nothing of it', async (_, spoil) => {
  const first = await commit(randomBytes(1_000));
  const pack = await bytesOf(packOf(shadow.place, first, []));
  const before = await listing();
  const sent = hub.receive(Readable.from([spoil(pack)]), { ref: ref(1), commit: first });
  await expect(sent).rejects.toBeInstanceOf(PackRefused);
  expect([await listing(), await pinned(hub.place, ref(1))]).toEqual([before, null]);
});

it('refuses a long one at its beginning, and takes it to its end', async () => {
  const first = await commit('first\n');
  const pieces = Array.from({ length: 300 }, () => Buffer.alloc(100_000, 1));
  const pack = Readable.from(pieces);
  await expect(hub.receive(pack, { ref: ref(1), commit: first })).rejects.toBeInstanceOf(PackRefused);
  await new Promise((resolve) => (pack.readableEnded ? resolve(null) : pack.once('end', resolve)));
});

it('refuses what is no commit', async () => {
  const first = await commit('first\n');
  const blob = (await git(shadow.place, ['rev-parse', `${first}:file`])).toString().trim();
  await expect(send(blob, [], 1)).rejects.toThrow(`${blob} is a blob, and no commit`);
});

it('keeps what only a checkout would mind', async () => {
  await writeFile(join(base, 'work/.gitattributes'), `* ${'x'.repeat(3_000)}\n`);
  await writeFile(
    join(base, 'work/.gitmodules'),
    '[submodule "../x"]\n\tpath = p\n\turl = -u./x\n\tupdate = !ls\n',
  );
  const first = await commit('first\n');
  await send(first, [], 1);
  expect(await pinned(hub.place, ref(1))).toBe(first);
});

it('refuses a pack that lacks what its commit leads to', async () => {
  const first = await commit('first\n');
  const second = await commit('second\n', [first]);
  await expect(send(second, [first], 2)).rejects.toBeInstanceOf(PackRefused);
  expect(await pinned(hub.place, ref(2))).toBeNull();
});

it('refuses a pack that is larger than is allowed', async () => {
  const small = await Hub.open(join(base, 'small'), { packBytes: 1_000 });
  const first = await commit(randomBytes(10_000));
  const sent = small.receive(packOf(shadow.place, first, []), { ref: ref(1), commit: first });
  await expect(sent).rejects.toBeInstanceOf(PackRefused);
});

it('never lets a ref name another commit', async () => {
  const [first, second] = [await commit('first\n'), await commit('second\n')];
  await send(first, [], 1);
  await expect(send(second, [], 1)).rejects.toThrow('git update-ref');
  expect(await pinned(hub.place, ref(1))).toBe(first);
});

it.each(['--upload-pack=x', '-d', 'refs/heads/main', 'refs/makima/../x', 'refs/makima/x\ny', 'refs/makima/'])(
  'takes %j for no ref and no object',
  async (name) => {
    const first = await commit('first\n');
    await expect(pin(shadow.place, name, first)).rejects.toThrow('not the name of a ref');
    await expect(pin(shadow.place, ref(1), name)).rejects.toThrow('not an object id');
  },
);

it('passes over what the receiver has and nobody here knows', async () => {
  const first = await commit('first\n');
  await send(first, ['f'.repeat(40)], 1);
  expect(await pinned(hub.place, ref(1))).toBe(first);
});

it('ends a git that takes more memory than is allowed, and keeps nothing', async () => {
  // Zeros: a few hundred kilobytes that become 300 MB where they are checked, and a difference in the last byte.
  const zeros = Buffer.alloc(100_000_000);
  const first = await commit(zeros);
  zeros[zeros.length - 1] = 1;
  const second = await commit(zeros, [first]);
  const limited = await Hub.open(join(base, 'limited'), { memoryBytes: 64 * 1024 ** 2 });
  const pack = await bytesOf(packOf(shadow.place, second, []));
  const sent = limited.receive(Readable.from([pack]), { ref: ref(2), commit: second });
  await expect(sent).rejects.toBeInstanceOf(PackRefused);
  expect(await pinned(limited.place, ref(2))).toBeNull();
  await hub.receive(Readable.from([pack]), { ref: ref(2), commit: second });
  expect([pack.length < 1_000_000, await pinned(hub.place, ref(2))]).toEqual([true, second]);
});
