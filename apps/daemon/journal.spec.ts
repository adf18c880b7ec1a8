import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal } from './journal.js';

let folder: string;
let path: string;
const said: string[] = [];
const open = (): Promise<Journal> => Journal.open(path, (line) => said.push(line));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'makima-journal-'));
  path = join(folder, 'journal.json');
  said.splice(0);
});
afterEach(() => rm(folder, { recursive: true }));

it('knows after a restart what it knew before, for its owner alone', async () => {
  const journal = await open();
  expect(journal.state).toMatchObject({ isPrepared: false, lease: null, code: null, untold: [], unsafe: [] });
  const lease = { epoch: 3, runId: 'r', agent: { pid: 1, startedAt: 's' }, end: null };
  await journal.update({ lease });
  await journal.update(({ safe }) => ({ safe: [...safe, 'a'] }));
  expect((await open()).state).toEqual({ ...journal.state, lease, safe: ['a'] });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['journal.json']);
});

it('makes one change after another, each of what the one before left', async () => {
  const journal = await open();
  const names = Array.from({ length: 20 }, (_, at) => `${at}`);
  await Promise.all(names.map((name) => journal.update(({ safe }) => ({ safe: [...safe, name] }))));
  expect(journal.state.safe).toEqual(names);
  expect((await open()).state.safe).toEqual(names);
});

it('starts without a damaged one, says so, and does not lose it', async () => {
  await writeFile(path, '{"lease":');
  const journal = await open();
  await journal.update({ isPrepared: true });
  expect(said).toEqual([`${path} is damaged: starting without it; it is kept as journal.json.damaged`]);
  expect(await readFile(`${path}.damaged`, 'utf8')).toBe('{"lease":');
});
