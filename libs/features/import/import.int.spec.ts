import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { claudeCode, SESSION, type ClaudeCodeLines } from '#libs/agents/transcripts/spec-lines.js';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { EventStore } from '#libs/event-store/event-store.js';
import { positionToken } from '#libs/kernel/position.js';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import {
  conversationOf,
  filesBelow,
  imported,
  sessionsOf,
  unaccounted,
  type SentFile,
} from './spec-import.js';

const SAMPLES = fileURLToPath(new URL('../../agents/transcripts/samples', import.meta.url));
const sample = (path: string): SentFile => ({ name: path, bytes: readFileSync(`${SAMPLES}/${path}`) });
const fileOf = (lines: ClaudeCodeLines, name = `${SESSION}.jsonl`): SentFile => lines.file(name);

let app: TestApp;
/** An owner of its own for each test: sessions of one don't meet those of another. */
const owner = (): Promise<TestCaller> => app.secondOwner(`owner ${Math.random()}`);
const headOf = (): Promise<bigint> => app.server.application.get(EventStore).head();

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

describe('importing', () => {
  it('makes each session a task, in a contract of its own, with its sub-agents below it', async () => {
    const alice = await owner();
    const report = await imported(alice, filesBelow(`${SAMPLES}/claude-code`));
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
  }, 60_000);
});

describe('a dry run', () => {
  it('reports what would be imported, and writes nothing', async () => {
    const alice = await owner();
    const files = filesBelow(SAMPLES);
    const head = await headOf();
    const dry = await imported(alice, files, { dry_run: 'true' });
    expect(await headOf()).toBe(head);
    const real = await imported(alice, files);
    expect(dry).toEqual({ ...real, dryRun: true, position: positionToken(head) });
  });
});
