import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { claudeCode, SESSION, type ClaudeCodeLines } from '#libs/agents/transcripts/spec-lines.js';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { EventStore } from '#libs/event-store/event-store.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { newId } from '#libs/kernel/ids.js';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { ImportStopped } from './import-run.js';
import { Imports } from './import.process.js';
import type { ImportReport, SessionReport } from './import.report.js';
import {
  conversationOf,
  expectTheSame,
  filesBelow,
  FILES,
  framed,
  historyOf,
  imported,
  numbers,
  send,
  sessionsOf,
  unaccounted,
  type SentFile,
} from './spec-import.js';

const SAMPLES = fileURLToPath(new URL('../../agents/transcripts/samples', import.meta.url));
const sample = (path: string): SentFile => ({ name: path, bytes: readFileSync(`${SAMPLES}/${path}`) });
const growing = [sample('claude-code/growing/1of2.jsonl'), sample('claude-code/growing/2of2.jsonl')] as const;
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

describe('importing', () => {
  it('makes each session a task, in a contract of its own, with its sub-agents below it', async () => {
    const alice = await owner();
    const report = await imported(
      alice,
      filesBelow(`${SAMPLES}/claude-code`).filter(({ name }) => !name.startsWith('growing')),
    );
    expect(unaccounted(report)).toBe(0);
    const [transcript] = report.transcripts;
    const [main, agent] = transcript!.sessions;
    expect(report.transcripts).toHaveLength(1);
    expect(transcript).toMatchObject({ agent: 'claude-code', contractCreated: true });
    expect(agent).toMatchObject({ outcome: 'created', parentSessionId: main!.sessionId });
    const { body: contract } = await alice.call('GET', `/api/v1/contracts/${transcript!.contractId}`);
    expect(contract).toMatchObject({ name: main!.title, phase: 'execute', supervisorTaskId: main!.taskId });
    const { body: task } = await alice.call('GET', `/api/v1/mesh/tasks/${agent!.taskId}`);
    expect(task).toMatchObject({ parentTaskId: main!.taskId, status: 'completed', name: agent!.title });
    const { messages, totalCount } = await conversationOf(alice, main!.taskId);
    expect(messages).toHaveLength(totalCount);
    const { body: supervised } = await alice.call(
      'GET',
      `/api/v1/contracts/${transcript!.contractId}/supervisor/conversation`,
    );
    expect(supervised).toMatchObject({ spawnedTasks: [{ taskId: agent!.taskId, status: 'completed' }] });
  });

  it('keeps pictures as blobs', async () => {
    const alice = await owner();
    const report = await imported(alice, sample('claude-code/5b0c7e1d-6a52-4a57-9c3b-2f8d1e94a7c6.jsonl'));
    const { messages } = await conversationOf(alice, sessionsOf(report)[0]!.taskId);
    const attachments = messages.flatMap(
      (message) => (message['attachments'] ?? []) as readonly { sha256: string; bytes: number }[],
    );
    expect(attachments).toHaveLength(1);
    const [{ sha256, bytes }] = attachments as [(typeof attachments)[0]];
    const blobs = app.server.application.get(BlobStore);
    expect((await blobs.get(alice.ownerId, [sha256])).get(sha256)).toHaveLength(bytes);
  });

  it('reads every agent’s files, packed ones too, and times stay those of the transcript', async () => {
    const alice = await owner();
    const report = await imported(
      alice,
      filesBelow(SAMPLES).filter(({ name }) => !name.includes('growing')),
    );
    expect(unaccounted(report)).toBe(0);
    expect(report.transcripts.map(({ agent, sessions }) => [agent, sessions.length]).toSorted()).toEqual([
      ['claude-code', 2],
      ['codex', 2],
      ['gemini-cli', 1],
      ['gemini-cli', 2],
    ]);
    expect(report.refused.map(({ name }) => name)).toEqual(['README.md']);
    for (const session of sessionsOf(report)) {
      const { messages } = await conversationOf(alice, session.taskId);
      const { body: task } = await alice.call('GET', `/api/v1/mesh/tasks/${session.taskId}`);
      expect(new Date(task['createdAt'] as string).getUTCFullYear()).toBe(2026);
      expect(String(messages[0]!['timestamp'])).toMatch(/^2026-03-/);
    }
  });

  it('brings rewinds over as branches, which can be read and undone', async () => {
    const alice = await owner();
    const lines = claudeCode()
      .user('u1', 'fix it')
      .says('a1', 'm1', 'done')
      .user('u2', 'more')
      .user('u3', 'rather this', { parentUuid: 'a1' });
    const { taskId } = sessionsOf(await imported(alice, fileOf(lines)))[0]!;
    expect((await conversationOf(alice, taskId)).messages.map(({ content }) => content)).toEqual([
      'fix it',
      'done',
      'rather this',
    ]);
    const { body } = await alice.call('GET', `/api/v1/mesh/tasks/${taskId}/branches`);
    expect(body).toMatchObject({
      current: 1,
      branches: [{ messageCount: 3 }, { kind: 'rewind', point: { kind: 'transcript' }, hiddenMessages: 1 }],
    });
    expect((await alice.call('POST', `/api/v1/mesh/tasks/${taskId}/conversation/undo`, {})).status).toBe(200);
    expect((await conversationOf(alice, taskId)).messages).toHaveLength(3);
  });

  it('takes any text as it is', async () => {
    const alice = await owner();
    const hostile = 'a\u0000b \u001b[2J \ud800 "$blob" __proto__ \u202e';
    const lines = claudeCode()
      .user('u1', hostile)
      .calls('a1', 'm1', 't1', '__proto__', { $blob: { sha256: 'x' }, text: hostile })
      .result('r1', 't1', hostile);
    const report = await imported(alice, fileOf(lines, '../../etc/passwd\u0007.jsonl'));
    const { messages } = await conversationOf(alice, sessionsOf(report)[0]!.taskId);
    expect(messages[0]!['content']).toBe(hostile);
    expect(messages[2]!['toolResult']).toBe(hostile);
    const { body } = await alice.call('GET', `/api/v1/contracts/${report.transcripts[0]!.contractId}`);
    expect(body['name']).toMatch(/^[^\p{Cc}\u202e]+$/u);
  });

  it('reads transcripts one at a time when they are too big to be kept', async () => {
    const alice = await owner();
    const big = 'x'.repeat(3_500_000);
    const heavy = Array.from({ length: 10 }, (_, n) => n).reduce(
      (lines, n) => lines.user(`u${n}`, `${n}${big}`),
      claudeCode(),
    );
    const light = claudeCode().user('v1', 'fix it', { sessionId: 'light' });
    const report = await imported(alice, [fileOf(heavy), fileOf(light, 'light.jsonl')]);
    expect(report.transcripts.map(({ sessions: [session] }) => session!.messages.new).toSorted()).toEqual([
      1, 10,
    ]);
    expect(unaccounted(report)).toBe(0);
  });

  it('takes what is bigger than an event', async () => {
    const alice = await owner();
    const big = 'x'.repeat(3_000_000);
    const lines = claudeCode()
      .user('u1', big)
      .calls('a1', 'm1', 't1', 'Write', { content: big })
      .result('r1', 't1', big);
    const report = await imported(alice, fileOf(lines));
    const { messages } = await conversationOf(alice, sessionsOf(report)[0]!.taskId);
    expect(
      messages.map(({ content, toolResult }) => `${content as string}${(toolResult ?? '') as string}`.length),
    ).toEqual([3_000_000, 0, 3_000_000]);
  });
});

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
      [{ ...file, size: file.bytes.length }],
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
  });

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
});

describe('a forked session', () => {
  const parent = () =>
    claudeCode()
      .user('u1', 'fix it')
      .says('a1', 'm1', 'done')
      .add('mode', 'x1', { mode: 'plan' })
      .user('u2', 'go on');
  const child = () => {
    const lines = claudeCode();
    for (const line of parent().lines.slice(0, 3)) lines.text(line.replaceAll(SESSION, 'child'));
    const own = { sessionId: 'child', timestamp: '2026-01-05T11:00:00.000Z' };
    return lines.add('mode', 'x2', own).user('v2', 'or rather not', { ...own, parentUuid: 'a1' });
  };
  const files = () => [fileOf(child(), 'child.jsonl'), fileOf(parent())] as const;
  const texts = async (caller: TestCaller, taskId: string) =>
    (await conversationOf(caller, taskId)).messages.map(({ content }) => content);

  it('is a fork of its source’s task: what they share is stored once', async () => {
    const alice = await owner();
    const report = await imported(alice, files());
    const [source, fork] = sessionsOf(report);
    expect(source).toMatchObject({ sessionId: SESSION, outcome: 'created' });
    expect(fork).toMatchObject({ forkedFrom: { sessionId: SESSION, taskId: source!.taskId, messages: 2 } });
    expect(numbers(fork!.messages)).toEqual([3, 1, 0, 0, 2]);
    expect(numbers(fork!.keptLines)).toEqual([2, 1, 0, 0, 1]);
    expect(await texts(alice, fork!.taskId)).toEqual(['fix it', 'done', 'or rather not']);
    expect(await texts(alice, source!.taskId)).toEqual(['fix it', 'done', 'go on']);
    const { body } = await alice.call('GET', `/api/v1/mesh/tasks/${source!.taskId}/branches`);
    expect(body).toMatchObject({
      forks: [{ taskId: fork!.taskId, point: { type: 'message_id', inclusive: true } }],
    });
    expect(sessionsOf(await imported(alice, files())).map(({ outcome }) => outcome)).toEqual([
      'unchanged',
      'unchanged',
    ]);
  });

  it('is found in a later import too, and grows', async () => {
    const alice = await owner();
    const [source] = sessionsOf(await imported(alice, files()[1]));
    const [fork] = sessionsOf(await imported(alice, files()[0]));
    expect(fork).toMatchObject({ forkedFrom: { taskId: source!.taskId } });
    const grown = child().says('b2', 'n2', 'as you like', {
      sessionId: 'child',
      timestamp: '2026-01-05T11:00:01.000Z',
    });
    const [again] = sessionsOf(await imported(alice, fileOf(grown, 'child.jsonl')));
    expect(numbers(again!.messages)).toEqual([4, 1, 0, 1, 2]);
    expect(await texts(alice, fork!.taskId)).toEqual(['fix it', 'done', 'or rather not', 'as you like']);
  });

  it('is whole when it comes before its source, which is no fork of it', async () => {
    const alice = await owner();
    const [fork] = sessionsOf(await imported(alice, files()[0]));
    const [source] = sessionsOf(await imported(alice, files()[1]));
    expect(fork!.forkedFrom).toBeUndefined();
    expect(source!.forkedFrom).toBeUndefined();
    expect(await texts(alice, fork!.taskId)).toEqual(['fix it', 'done', 'or rather not']);
    expect(await texts(alice, source!.taskId)).toEqual(['fix it', 'done', 'go on']);
  });

  it('keeps the link to a source that is not here', async () => {
    const alice = await owner();
    const from = { sessionId: 'child', forkedFrom: { sessionId: 'elsewhere', messageUuid: 'e1' } };
    const [fork] = sessionsOf(
      await imported(alice, fileOf(claudeCode().user('c1', 'fix it', from), 'child.jsonl')),
    );
    expect(fork).toMatchObject({ forkedFrom: { sessionId: 'elsewhere', messages: 0 } });
    const { body } = await alice.call('GET', `/api/v1/mesh/tasks/${fork!.taskId}`);
    expect(body).toMatchObject({ forkedFromTaskId: null, source: { forkedFromSessionId: 'elsewhere' } });
  });

  it('with new ids is found by the lines that it names', async () => {
    const alice = await owner();
    const from = (messageUuid: string) => ({
      sessionId: 'child',
      forkedFrom: { sessionId: SESSION, messageUuid },
    });
    const copy = claudeCode()
      .user('c1', 'fix it', from('u1'))
      .says('c2', 'm1', 'done', from('a1'))
      .user('c3', 'something else', { sessionId: 'child' });
    const [source, fork] = sessionsOf(await imported(alice, [fileOf(copy, 'child.jsonl'), fileOf(parent())]));
    expect(fork).toMatchObject({ forkedFrom: { taskId: source!.taskId, messages: 2 } });
    expect(await texts(alice, fork!.taskId)).toEqual(['fix it', 'done', 'something else']);
  });

  it('of another contract is none for a tool key, which does not reach it', async () => {
    const { body: contract } = await app.call('POST', '/api/v1/contracts', { name: 'Bound' });
    const tool = await app.key('tool', {
      contractId: contract['id'] as string,
      scopes: ['history:read', 'import:write'],
    });
    const rename = (file: SentFile): SentFile => ({
      ...file,
      bytes: Buffer.from(Buffer.from(file.bytes).toString().replaceAll(SESSION, 'parent of the tool')),
    });
    const [source] = sessionsOf(await imported(app, rename(files()[1])));
    const [fork] = sessionsOf(await imported(tool, rename(files()[0])));
    expect(source).toMatchObject({ outcome: 'created' });
    expect(fork).toMatchObject({ outcome: 'created', messages: { new: 3, inherited: 0 } });
    expect(fork!.forkedFrom).toBeUndefined();
  });

  it('of another owner is none', async () => {
    const [alice, bob] = [await owner(), await owner()];
    await imported(alice, files()[1]);
    const [fork] = sessionsOf(await imported(bob, files()[0]));
    expect(fork!.forkedFrom).toBeUndefined();
    expect(await texts(bob, fork!.taskId)).toHaveLength(3);
  });
});

describe('where a session goes', () => {
  const lines = () => fileOf(claudeCode().user('u1', 'fix it').says('a1', 'm1', 'done'));

  async function contractOf(caller: TestCaller): Promise<string> {
    const { body } = await caller.call('POST', '/api/v1/contracts', { name: 'Login' });
    return body['id'] as string;
  }

  it('is the contract that was named, without becoming its supervisor', async () => {
    const alice = await owner();
    const contractId = await contractOf(alice);
    const report = await imported(alice, lines(), { contract_id: contractId });
    expect(report.transcripts[0]).toMatchObject({ contractId, contractCreated: false });
    const { body } = await alice.call('GET', `/api/v1/contracts/${contractId}`);
    expect(body).toMatchObject({ supervisorTaskId: null });
    expect(await historyOf(alice, contractId)).not.toHaveLength(1);
  });

  it('stays where it is, and grows there', async () => {
    const alice = await owner();
    const [first, second] = [await contractOf(alice), await contractOf(alice)];
    await imported(alice, lines(), { contract_id: first });
    expect((await imported(alice, lines())).transcripts[0]).toMatchObject({ contractId: first });
    const head = await headOf();
    const answer = await send(alice, lines().bytes, { contract_id: second });
    expect(answer).toMatchObject({ status: 409, body: { code: 'IMPORTED_ELSEWHERE' } });
    const other = { ...fileOf(claudeCode().user('v1', 'else', { sessionId: 'other' }), 'other.jsonl') };
    const both = await imported(alice, [lines(), other], { contract_id: second });
    expect(both.transcripts.map(({ problem }) => problem?.code)).toEqual([undefined, 'IMPORTED_ELSEWHERE']);
    expect(sessionsOf(both).map(({ outcome }) => outcome)).toEqual(['created', 'not_imported']);
    expect(await headOf()).toBeGreaterThan(head);
  });

  it('is a tool key’s own contract, and no other', async () => {
    const [own, other] = [await contractOf(app), await contractOf(app)];
    const scopes = ['history:read', 'import:write'];
    const tool = await app.key('tool', { contractId: own, scopes });
    expect(await send(tool, lines().bytes, { contract_id: other })).toMatchObject({ status: 404 });
    expect((await imported(tool, lines())).transcripts[0]).toMatchObject({ contractId: own });
    const stranger = await app.key('tool', { contractId: other, scopes });
    const answer = await send(stranger, lines().bytes);
    expect(answer).toMatchObject({ status: 409, body: { code: 'IMPORTED_ELSEWHERE' } });
    expect(JSON.stringify(answer.body)).not.toContain(own);
    const powerless = await app.key('tool', { contractId: own });
    expect(await send(powerless, lines().bytes)).toMatchObject({ status: 403 });
  });

  it('is never a contract of another owner', async () => {
    const [alice, bob] = [await owner(), await owner()];
    const contractId = await contractOf(alice);
    const unknown = '00000000-0000-4000-8000-000000000000';
    for (const contract_id of [contractId, unknown]) {
      expect(await send(bob, lines().bytes, { contract_id })).toMatchObject({ status: 404 });
    }
    expect(await send(bob, lines().bytes, { contract_id: 'x' })).toMatchObject({ status: 422 });
  });

  it('is a task that waits for its main session, for sub-agents that come alone', async () => {
    const alice = await owner();
    const agentLines = claudeCode().user('s1', 'look', { isSidechain: true, agentId: 'a7' });
    const agentFile = fileOf(agentLines, `${SESSION}/subagents/agent-a7.jsonl`);
    const alone = await imported(alice, [agentFile]);
    const { body: agent } = await alice.call('GET', `/api/v1/mesh/tasks/${sessionsOf(alone)[0]!.taskId}`);
    const later = await imported(alice, [lines(), agentFile]);
    expect(sessionsOf(later)).toMatchObject([
      { taskId: agent['parentTaskId'], outcome: 'updated' },
      { taskId: agent['id'], outcome: 'unchanged' },
    ]);
    const { body: main } = await alice.call('GET', `/api/v1/mesh/tasks/${String(agent['parentTaskId'])}`);
    expect(main).toMatchObject({ name: 'fix it', status: 'completed' });
  });
});

describe('a dry run', () => {
  it('reports what would be imported, and writes nothing', async () => {
    const alice = await owner();
    const files = filesBelow(SAMPLES);
    const head = await headOf();
    const dry = await imported(alice, files, { dry_run: 'true' });
    expect(await headOf()).toBe(head);
    const real = await imported(alice, files);
    expect(dry).toEqual({ ...real, dryRun: true, position: '0' });
  });
});

describe('what cannot be imported', () => {
  it.each([
    ['no transcript', 'hello', 'no line of it is a JSON object'],
    ['nothing', '', 'the file is empty'],
    [
      'another format',
      '{"type":"session","id":"x"}\n',
      'not supported (supported are Claude Code, Codex and Gemini CLI)',
    ],
    [
      'titles alone',
      `${JSON.stringify({ type: 'summary', summary: 'x', leafUuid: 'y' })}\n`,
      'nobody says anything',
    ],
  ])('is refused with its name and the reason: %s', async (_, text, reason) => {
    const answer = await send(app, Buffer.from(text), { name: 'notes.jsonl' });
    expect(answer).toMatchObject({ status: 422, body: { code: 'IMPORT_UNREADABLE' } });
    expect(answer.body['detail']).toContain('notes.jsonl');
    expect(answer.body['detail']).toContain(reason);
  });

  it('does not keep others from being imported', async () => {
    const alice = await owner();
    const report = await imported(alice, [
      { name: 'notes.txt', bytes: Buffer.from('hello') },
      fileOf(claudeCode().user('u1', 'fix it').text('{"type":"user",').text('').text('[]')),
    ]);
    expect(report.refused).toMatchObject([{ name: 'notes.txt' }]);
    expect(report.transcripts[0]!.lines).toMatchObject({ lines: 4, imported: 1, blank: 1, invalidCount: 2 });
    expect(report.transcripts[0]!.lines.invalid.map(({ line }) => line)).toEqual([2, 4]);
    expect(unaccounted(report)).toBe(0);
  });

  it.each([
    ['a body of another kind', { 'content-type': 'application/json' }, '{}', 415],
    ['an unknown encoding', { 'content-encoding': 'br' }, 'x', 415],
    ['damaged gzip data', { 'content-encoding': 'gzip' }, 'x', 400],
    ['broken frames', { 'content-type': FILES }, 'x', 422],
  ])('is %s', async (_, headers, body, status) => {
    expect((await send(app, Buffer.from(body), {}, headers)).status).toBe(status);
  });

  it('is an unknown parameter, or one that is wrong', async () => {
    expect(await send(app, Buffer.from('x'), { nam: 'x' })).toMatchObject({ status: 422 });
    expect(await send(app, Buffer.from('x'), { dry_run: 'maybe' })).toMatchObject({ status: 422 });
  });
});

describe('on the wire', () => {
  it('takes packed bodies', async () => {
    const alice = await owner();
    const packed = gzipSync(framed(filesBelow(`${SAMPLES}/gemini-cli`)));
    const answer = await send(alice, packed, {}, { 'content-type': FILES, 'content-encoding': 'gzip' });
    expect(answer.status).toBe(200);
    expect((answer.body as object as ImportReport).totals.transcripts).toBe(2);
  });

  it('tells how far it is, then the report, line by line', async () => {
    const alice = await owner();
    const headers = { 'content-type': FILES, accept: 'application/x-ndjson' };
    const body = framed(filesBelow(SAMPLES));
    const response = await alice.fetch('/api/v1/import', {
      method: 'POST',
      body: new Uint8Array(body),
      headers,
    });
    expect(response.headers.get('content-type')).toMatch(/^application\/x-ndjson/);
    const lines = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.slice(0, -1).every((line) => 'progress' in line)).toBe(true);
    expect(lines[0]).toMatchObject({ progress: { done: 0, file: expect.any(String) } });
    expect(lines.at(-1)).toMatchObject({ report: { dryRun: false } });
  });

  it('answers what is wrong from the start like any other request', async () => {
    const answer = await send(app, Buffer.from('x'), {}, { accept: 'application/x-ndjson' });
    expect(answer).toMatchObject({ status: 422, body: { code: 'IMPORT_UNREADABLE' } });
  });
});
