import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { claudeCode, SESSION, type ClaudeCodeLines } from '#libs/agents/transcripts/spec-lines.js';
import { EventStore } from '#libs/event-store/event-store.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { newId } from '#libs/kernel/ids.js';
import { positionToken } from '#libs/kernel/position.js';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { ImportStopped } from './import-run.js';
import { Imports } from './import.process.js';
import type { ImportReport, SessionReport } from './import.report.js';
import {
  conversationOf,
  expectTheSame,
  filesBelow,
  imported,
  sessionsOf,
  type SentFile,
} from './spec-import.js';

const SAMPLES = fileURLToPath(new URL('../../agents/transcripts/samples', import.meta.url));
const sample = (path: string): SentFile => ({ name: path, bytes: readFileSync(`${SAMPLES}/${path}`) });
const growing = [sample('claude-code-growing/1of2.jsonl'), sample('claude-code-growing/2of2.jsonl')] as const;
const fileOf = (lines: ClaudeCodeLines, name = `${SESSION}.jsonl`): SentFile => lines.file(name);

let app: TestApp;
/** An owner of its own for each test: sessions of one don't meet those of another. */
const owner = (): Promise<TestCaller> => app.secondOwner(`owner ${Math.random()}`);
const headOf = (): Promise<bigint> => app.server.application.get(EventStore).head();

/** A request of somebody's that nobody sent. */
function contextOf({ ownerId }: TestCaller): RequestContext {
  const actor = { kind: 'user', id: 'key' } as const;
  const caller = { ownerId, kind: 'user', keyId: 'key', scopes: [], actor } as const;
  const command = { commandId: newId(), idempotent: false, requestHash: '', now: new Date(), traceId: '' };
  return { caller, actor, ownerId, ...command };
}

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

describe('importing again', () => {
  it('adds nothing, and writes nothing', async () => {
    const alice = await owner();
    const files = filesBelow(SAMPLES);
    await imported(alice, files);
    const head = await headOf();
    const again = await imported(alice, files);
    expect(sessionsOf(again).map(({ outcome }) => outcome)).toEqual(sessionsOf(again).map(() => 'unchanged'));
    expect(again.totals.messages).toMatchObject({ new: 0, amended: 0 });
    expect(await headOf()).toBe(head);
    expect(again.position).toBe(positionToken(head));
  });

  it('adds what a file has grown by: the read models are those of the last file alone', async () => {
    const [alice, bob] = [await owner(), await owner()];
    const first = await imported(alice, growing[0]);
    expect(first.transcripts[0]!.lines.invalidCount).toBe(1);
    const grown = await imported(alice, growing[1]);
    expect(sessionsOf(grown)[0]).toMatchObject({ outcome: 'updated', messages: { amended: 1 } });
    const alone = await imported(bob, growing[1]);
    await expectTheSame(alice, grown, bob, alone);
    const head = await headOf();
    expect(sessionsOf(await imported(alice, growing[0]))[0]).toMatchObject({ outcome: 'unchanged' });
    expect(await headOf()).toBe(head);
  });

  it('goes on with an import that was cut off after any number of entries', async () => {
    const lines = Array.from({ length: 40 }, (_, n) => n);
    const whole = (): ClaudeCodeLines =>
      lines.reduce(
        (file, n) => file.user(`u${n}`, `prompt ${n}`).says(`a${n}`, `m${n}`, `answer ${n}`),
        claudeCode(),
      );
    const [alice, bob] = [await owner(), await owner()];
    for (const count of [1, 2, 30, 79]) {
      const cut = claudeCode();
      for (const line of whole().lines.slice(0, count)) cut.text(line);
      await imported(alice, fileOf(cut));
    }
    const report = await imported(alice, fileOf(whole()));
    await expectTheSame(alice, report, bob, await imported(bob, fileOf(whole())));
  });

  it('goes on with an import that its client left', async () => {
    const [alice, bob] = [await owner(), await owner()];
    const file = fileOf(
      Array.from({ length: 1_500 }, (_, n) => n).reduce(
        (lines, n) => lines.user(`u${n}`, `prompt ${n}`).says(`a${n}`, `m${n}`, `answer ${n}`),
        claudeCode(),
      ),
    );
    const gone = new AbortController();
    const leaving = app.server.application.get(Imports).import(
      { files: [{ ...file, from: 0, size: file.bytes.length }], descriptor: -1 },
      {
        contractId: undefined,
        dryRun: false,
        signal: gone.signal,
        onProgress: ({ done }) => void (done > 0 && gone.abort()),
      },
      contextOf(alice),
    );
    await expect(leaving).rejects.toThrow(ImportStopped);
    await app.caughtUp();
    const report = await imported(alice, file);
    const [{ messages }] = sessionsOf(report) as [SessionReport];
    expect(messages).toMatchObject({ total: 3_000, amended: 0 });
    expect(messages.known).toBeGreaterThan(0);
    expect(messages.new).toBeGreaterThan(0);
    await expectTheSame(alice, report, bob, await imported(bob, file));
  }, 60_000);

  it('at the same time records everything once', async () => {
    const [alice, bob] = [await owner(), await owner()];
    const files = filesBelow(SAMPLES).filter(({ name }) => !name.includes('growing'));
    const reports = await Promise.all([1, 2, 3, 4].map(() => imported(alice, files)));
    const sum = (count: (report: ImportReport) => number) =>
      reports.reduce((all, report) => all + count(report), 0);
    expect(reports.flatMap(({ transcripts }) => transcripts.flatMap(({ problem }) => problem ?? []))).toEqual(
      [],
    );
    expect(sum(({ totals }) => totals.messages.new)).toBe(reports[0]!.totals.messages.total);
    expect(sum((report) => sessionsOf(report).filter(({ outcome }) => outcome === 'created').length)).toBe(
      reports[0]!.totals.sessions,
    );
    await expectTheSame(alice, reports[0]!, bob, await imported(bob, files));
  });

  it('leaves a conversation as it was taken back in makima, and adds to what the transcript shows', async () => {
    const alice = await owner();
    const lines = claudeCode()
      .user('u1', 'fix it')
      .says('a1', 'm1', 'done')
      .user('u2', 'more')
      .says('a2', 'm2', 'done too');
    const { taskId } = sessionsOf(await imported(alice, fileOf(lines)))[0]!;
    const path = `/api/v1/mesh/tasks/${taskId}/conversation`;
    expect((await alice.call('POST', `${path}/rewind`, { byMessageCount: 2 })).status).toBe(200);
    const [report] = sessionsOf(
      await imported(alice, fileOf(lines.user('u3', 'and this').says('a3', 'm3', 'yes'))),
    );
    expect(report).toMatchObject({ outcome: 'updated', messages: { new: 2, known: 4 } });
    const texts = async () => (await conversationOf(alice, taskId)).messages.map(({ content }) => content);
    expect(await texts()).toEqual(['fix it', 'done']);
    const { body } = await alice.call<{ branches: { branch: number; messageCount: number }[] }>(
      'GET',
      `/api/v1/mesh/tasks/${taskId}/branches`,
    );
    expect(body.branches.map(({ messageCount }) => messageCount)).toEqual([4, 2, 6, 2]);
    await alice.call('POST', `${path}/undo`, {});
    expect(await texts()).toEqual(['fix it', 'done', 'more', 'done too', 'and this', 'yes']);
    await imported(alice, fileOf(lines.user('u4', 'last')));
    expect((await texts()).slice(-2)).toEqual(['yes', 'last']);
  });

  it('is undone with what had led away from the transcript, however often it was imported', async () => {
    const alice = await owner();
    const lines = claudeCode();
    for (const n of [1, 2, 3, 4]) lines.user(`u${n}`, `prompt ${n}`);
    const { taskId } = sessionsOf(await imported(alice, fileOf(lines)))[0]!;
    const path = `/api/v1/mesh/tasks/${taskId}/conversation`;
    const count = async () => (await conversationOf(alice, taskId)).messages.length;
    const move = async (way: string, body: object = {}) =>
      (await alice.call('POST', `${path}/${way}`, body)).status;
    expect([
      await move('rewind', { byMessageCount: 1 }),
      await move('rewind', { byMessageCount: 1 }),
    ]).toEqual([200, 200]);
    await imported(alice, fileOf(lines.user('u5', 'prompt 5')));
    await imported(alice, fileOf(lines.user('u6', 'prompt 6').user('v6', 'another', { parentUuid: 'u5' })));
    expect(await count()).toBe(2);
    // Its own rewind, to before prompt 6, is one of those that led here.
    expect([await move('undo'), await count()]).toEqual([200, 6]);
    expect([await move('undo'), await count()]).toEqual([200, 6]);
    expect(await move('undo')).toBe(409);
    // By its number each of them can be undone, as it was announced.
    expect([await move('undo', { branch: 1 }), await count()]).toEqual([200, 4]);
  });
});
