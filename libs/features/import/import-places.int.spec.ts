import { claudeCode, SESSION, type ClaudeCodeLines } from '#libs/agents/transcripts/spec-lines.js';
import { EventStore } from '#libs/event-store/event-store.js';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { historyOf, imported, send, sessionsOf, unaccounted, type SentFile } from './spec-import.js';

const fileOf = (lines: ClaudeCodeLines, name = `${SESSION}.jsonl`): SentFile => lines.file(name);

let app: TestApp;
/** An owner of its own for each test: sessions of one don't meet those of another. */
const owner = (): Promise<TestCaller> => app.secondOwner(`owner ${Math.random()}`);
const headOf = (): Promise<bigint> => app.server.application.get(EventStore).head();

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

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
    expect(both.transcripts[1]).toMatchObject({
      sessions: [{ messages: { total: 2, new: 0, notImported: 2 } }],
      lines: { lines: 2, imported: 0, notImported: 2 },
    });
    expect(both.totals).toMatchObject({ lines: 3, imported: 1, notImported: 2, sessions: 2 });
    expect(unaccounted(both)).toBe(0);
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
