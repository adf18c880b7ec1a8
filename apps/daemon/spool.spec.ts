import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { ApiError, UnreachableError } from '#libs/client/api-error.js';
import { newId } from '#libs/kernel/ids.js';
import type { ActivityItem } from './protocol.js';
import { openSegment, type OpenSegment } from './spool-segments.js';
import { LeaseLost, Spool, type SpoolOptions } from './spool.js';
import { until } from './testing/until.js';

let folder: string;
let end: AbortController;
const said: string[] = [];
/** What the server has, in its order; it takes an id once. */
let had: ActivityItem[];
let batches: number[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'makima-spool-'));
  end = new AbortController();
  [had, batches] = [[], []];
  said.splice(0);
});
afterEach(async () => {
  end.abort(new Error('the test is over'));
  await rm(folder, { recursive: true });
});

const item = (content: string): ActivityItem => ({
  id: newId(),
  occurredAt: '2026-03-02T09:00:00.000Z',
  kind: 'output',
  channel: 'stdout',
  content,
});
const items = (count: number): readonly ActivityItem[] =>
  Array.from({ length: count }, (_, at) => item(`${at}`));

function take(sent: readonly ActivityItem[]): void {
  batches.push(sent.length);
  for (const one of sent) if (!had.some(({ id }) => id === one.id)) had.push(one);
}

const open = (options: Partial<SpoolOptions> = {}): Promise<Spool> =>
  Spool.open({
    folder,
    epoch: 3,
    send: async (sent) => take(sent),
    signal: end.signal,
    log: (line) => said.push(line),
    roomMs: 5,
    ...options,
  });

const refusal = (status: number, code: string): ApiError => new ApiError(status, code, `${code}.`);
const linesOf = async (name: string): Promise<readonly ActivityItem[]> =>
  (await readFile(join(folder, name), 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ActivityItem);

it('sends what it is given in its order, in batches, and keeps nothing that was acknowledged', async () => {
  const spool = await open({ segmentBytes: 10_000 });
  const all = items(1_000);
  await spool.append(all.slice(0, 950));
  for (const one of all.slice(950)) await spool.append([one]);
  await spool.flush();
  expect(had).toEqual(all);
  expect(Math.max(...batches)).toBe(200);
  expect(await readdir(folder)).toEqual([]);
});

it('sends at most 4 MB at once, and a longer item alone', async () => {
  const spool = await open();
  const all = [item('a'.repeat(3e6)), item('b'.repeat(3e6)), item('c'.repeat(9e6)), item('d')];
  await spool.append(all);
  await spool.flush();
  expect(had.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  expect(batches).toEqual([1, 1, 1, 1]);
});

it('waits for a server that does not answer, or is busy', async () => {
  const answers = [
    new UnreachableError('http://here', 'connection refused'),
    refusal(503, 'UNAVAILABLE'),
    refusal(409, 'TASK_BUSY'),
  ];
  const spool = await open({
    send: async (sent) => {
      const error = answers.shift();
      if (error) throw error;
      take(sent);
    },
  });
  const all = items(3);
  await spool.append(all);
  await spool.flush();
  expect(had).toEqual(all);
  expect(said).toEqual(['waiting to send: no answer from http://here (connection refused)']);
});

it('keeps aside what comes after the end of its lease, and says that it is lost', async () => {
  let lost = 0;
  const spool = await open({
    send: async () => {
      throw refusal(409, 'LEASE_STALE');
    },
    onLeaseLost: () => (lost += 1),
  });
  const all = items(300);
  await spool.append(all);
  await expect(spool.flush()).rejects.toThrow(LeaseLost);
  await spool.closed();
  expect(await readdir(folder)).toEqual(['refused-3.ndjson']);
  expect(await linesOf('refused-3.ndjson')).toEqual(all);
  await expect(spool.append([item('late')])).rejects.toThrow(LeaseLost);
  expect(lost).toBe(1);
});

it('lets one item that nobody takes hold up no other', async () => {
  const all = items(10);
  const spool = await open({
    send: async (sent) => {
      if (sent.some(({ id }) => id === all[4]!.id)) throw refusal(422, 'VALIDATION_FAILED');
      take(sent);
    },
  });
  await spool.append(all);
  await spool.flush();
  expect(had).toEqual(all.filter((one) => one !== all[4]));
  expect(await linesOf('refused-3.ndjson')).toEqual([all[4]]);
});

it('holds up whoever appends while the disk is full, and goes on when there is room', async () => {
  let room = false;
  const full: OpenSegment = async (path) => {
    const file = await openSegment(path);
    return {
      datasync: () => file.datasync(),
      close: () => file.close(),
      write: async (bytes: Uint8Array, at: number, length: number, position: number) => {
        if (room) return file.write(bytes, at, length, position);
        // What fits is written, and then there is no more.
        await file.write(bytes, at, Math.min(7, length), position);
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      },
    } as Awaited<ReturnType<OpenSegment>>;
  };
  const spool = await open({ openSegment: full });
  const all = items(5);
  let isWritten = false;
  const appended = spool.append(all).then(() => (isWritten = true));
  await until(() => spool.isDiskFull, 'the disk is full');
  expect([isWritten, had]).toEqual([false, []]);
  room = true;
  await appended;
  await spool.flush();
  expect([had, spool.isDiskFull]).toEqual([all, false]);
  expect(said).toEqual([
    'the disk is full: the agent is held up until there is room',
    'there is room on the disk again: going on',
  ]);
});

it('drops a last line that a kill has left half, and reads the rest', async () => {
  const first = items(3);
  const text = first.map((one) => `${JSON.stringify(one)}\n`).join('');
  await writeFile(join(folder, '3-000000004.ndjson'), text);
  await truncate(join(folder, '3-000000004.ndjson'), text.length - 10);
  const spool = await open();
  const later = item('later');
  await spool.append([later]);
  await spool.flush();
  expect(had).toEqual([first[0], first[1], later]);
});

interface Life {
  readonly appends: readonly number[];
  /** Bytes that are written before the kill. */
  readonly bytes: number;
  /** Requests that are answered before it. */
  readonly answers: number;
  readonly isLastTaken: boolean;
}

const LIFE = fc.record({
  appends: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 }),
  bytes: fc.integer({ min: 0, max: 3_000 }),
  answers: fc.integer({ min: 0, max: 4 }),
  isLastTaken: fc.boolean(),
});

/** One process that is killed: what it was told is on the disk. */
async function live(
  { appends, bytes, answers, isLastTaken }: Life,
  isLying: boolean,
): Promise<ActivityItem[]> {
  const kill = new AbortController();
  const killed = new Error('killed');
  let [left, answered] = [bytes, 0];
  const dying: OpenSegment = async (path) => {
    const file = await openSegment(path);
    return {
      datasync: () => file.datasync(),
      close: () => file.close(),
      write: async (what: Uint8Array, at: number, length: number, position: number) => {
        const some = Math.min(left, length);
        left -= some;
        await file.write(what, at, some, position);
        if (some < length && !isLying) throw killed;
        return { bytesWritten: length, buffer: what };
      },
    } as Awaited<ReturnType<OpenSegment>>;
  };
  const spool = await open({
    segmentBytes: 700,
    openSegment: dying,
    signal: kill.signal,
    send: async (sent) => {
      answered += 1;
      if (answered <= answers || isLastTaken) take(sent);
      if (answered > answers) {
        kill.abort(killed);
        throw killed;
      }
    },
  });
  const safe: ActivityItem[] = [];
  for (const count of appends) {
    const some = items(count);
    try {
      await spool.append(some);
      safe.push(...some);
    } catch {
      break;
    }
  }
  kill.abort(killed);
  await spool.closed();
  return safe;
}

async function lives(all: readonly Life[], isLying = false): Promise<void> {
  had = [];
  const safe: ActivityItem[] = [];
  for (const life of all) safe.push(...(await live(life, isLying)));
  const spool = await open();
  await spool.flush();
  // What was half on its way may be there too; what is there is there once, and in its order.
  expect(had.filter(({ id }) => safe.some((one) => one.id === id))).toEqual(safe);
  expect(new Set(had.map(({ id }) => id)).size).toBe(had.length);
  expect(await readdir(folder)).toEqual([]);
}

const CHECK = { numRuns: 60, endOnFailure: true };

it('loses nothing that it has taken, and tells nothing twice, wherever it is killed, again and again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(LIFE, { minLength: 1, maxLength: 4 }), (all) => lives(all)),
    CHECK,
  );
});

it('is found out by that property if it says of a line that it is written, and it is not', async () => {
  const lying = fc.asyncProperty(fc.array(LIFE, { minLength: 1, maxLength: 4 }), (all) => lives(all, true));
  expect((await fc.check(lying, CHECK)).failed).toBe(true);
});
