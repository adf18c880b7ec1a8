import type { ServerResponse } from 'node:http';
import { resolve } from 'node:path';
import { FakeMakima, startStream, streamed } from '#libs/client/testing/fake-makima.js';
import type { HistoryEntry } from '#libs/client/types.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import {
  contract,
  CONTRACT_ID,
  conversation,
  entry,
  message,
  OTHER_TASK_ID,
  task,
  TASK_ID,
} from '../testing/samples.js';

const T = '/api/v1/mesh/tasks';
const TASK = `${T}/${TASK_ID}`;
const DAEMON_ID = '0190d4e5-0000-7000-8000-000000000001';
const ASKED = { taskId: TASK_ID, status: 'pending', controlVersion: 1, detail: 'Recorded.', position: '9' };
const NEW_TASK = ['task', 'run', '--name', 'Try', '--plan', 'it'];

let fake: FakeMakima;
beforeEach(async () => {
  fake = await FakeMakima.start();
  fake
    .on(`POST ${T}`, task({ status: 'pending' }))
    .on(`GET ${TASK}`, task())
    .on(`POST ${TASK}/start`, ASKED)
    .on('GET /api/v1/daemons', { daemons: [{ id: DAEMON_ID, name: 'd', status: 'connected' }] });
});
afterEach(() => fake.stop());

const run = (words: readonly string[], options: RunOptions = {}) => runCommand(fake.url, words, options);
const posts = () => fake.seen.filter(({ method }) => method === 'POST').map(({ path, body }) => [path, body]);
const started = () => posts().find(([path]) => path === `${TASK}/start`)?.[1];

describe('what runs in a task', () => {
  it.each<[readonly string[], object]>([
    [[], {}],
    [['--runner', 'claude'], { runner: { name: 'claude' } }],
    [['--runner', 'codex', '--model', 'm'], { runner: { name: 'codex', model: 'm' } }],
    [['--command', 'make | cat'], { runner: { name: 'command', command: ['sh', '-c', 'make | cat'] } }],
    [['--', 'npm', 'test', '--watch'], { runner: { name: 'command', command: ['npm', 'test', '--watch'] } }],
    [
      ['--recording', 'a.jsonl', '--speed', '0.5'],
      { runner: { name: 'replay', recording: resolve('a.jsonl'), speed: 0.5 } },
    ],
    [['--prompt', 'Go', '--daemon', '0190d4e5'], { prompt: 'Go', targetDaemonId: DAEMON_ID }],
  ])('%j', async (words, request) => {
    const { code, out, err } = await run([...NEW_TASK, ...words]);
    expect(code).toBe(0);
    expect(posts()).toEqual([
      [T, { name: 'Try', plan: 'it' }],
      [`${TASK}/start`, request],
    ]);
    expect(out).toBe(`✓ task ${TASK_ID} waits for a daemon to run it\n`);
    expect(err).toBe(`watch it with: makima task follow ${TASK_ID}\n`);
  });

  it.each<[readonly string[], string]>([
    [['--command', 'a', '--', 'b'], 'not both'],
    [['--runner', 'command'], 'which program?'],
    [['--runner', 'replay'], 'which recording?'],
    [['--runner', 'claude', '--', 'b'], 'a program means nothing for runner claude'],
    [['--speed', '2'], '--speed means nothing without --runner'],
    [['--runner', 'codex', '--recording', 'a'], '--recording means nothing for runner codex'],
    [['--speed', 'fast', '--recording', 'a'], 'It must be a number'],
  ])('is refused where it does not go together, and nothing is created: %j', async (words, said) => {
    const { code, err } = await run([...NEW_TASK, ...words]);
    expect(code).toBe(2);
    expect(err).toContain(said);
    expect(posts()).toEqual([]);
  });

  it('says so where no daemon is there', async () => {
    fake.on('GET /api/v1/daemons', { daemons: [{ id: DAEMON_ID, name: 'd', status: 'lost' }] });
    const { err } = await run(NEW_TASK);
    expect(err).toContain('no daemon is connected; start one with: makima daemon start\n');
  });

  it('may be a supervisor: made for its contract, or the one that it has', async () => {
    fake.on(`GET /api/v1/contracts/${CONTRACT_ID}`, contract({ supervisorTaskId: null, description: 'why' }));
    await run(['contract', 'start', '--contract', CONTRACT_ID, '--', 'lead']);
    expect(posts()[0]).toEqual([
      T,
      { name: 'Login: supervisor', plan: 'why', contractId: CONTRACT_ID, isSupervisor: true },
    ]);
    expect(started()).toEqual({ runner: { name: 'command', command: ['lead'] } });
    fake.seen.length = 0;
    fake.on(`GET /api/v1/contracts/${CONTRACT_ID}`, contract({ supervisorTaskId: TASK_ID }));
    await run(['contract', 'start', '--contract', CONTRACT_ID]);
    expect(posts()).toEqual([[`${TASK}/start`, {}]]);
    const { code, err } = await run(['contract', 'start', '--contract', CONTRACT_ID, '--plan', 'x']);
    expect(code).toBe(2);
    expect(err).toContain('has a supervisor already');
  });
});

describe('stopping a task', () => {
  it.each([
    ['', {}],
    ['--cancel --reason enough', { status: 'cancelled', reason: 'enough' }],
  ])('%j', async (options, request) => {
    fake.on(`POST ${TASK}/stop`, { ...ASKED, status: 'paused' });
    const { out, err } = await run(`task stop ${TASK_ID} ${options}`.trim().split(' '));
    expect(posts()).toEqual([[`${TASK}/stop`, request]]);
    expect(out).toBe(`✓ task ${TASK_ID} is paused\n`);
    expect(err).toContain(`go on with: makima task resume ${TASK_ID}`);
  });
});

describe('asking for a checkpoint', () => {
  const answers = (checkpoint: object | null) =>
    fake.on(`POST ${TASK}/checkpoint-requests`, {
      ...{ taskId: TASK_ID, requestId: 'r', position: '9', checkpoint },
      detail: 'Recorded. The daemon has not taken the checkpoint yet.',
    });

  it('names the one that was taken', async () => {
    answers({ checkpointNumber: 4, message: 'before it' });
    const { out, err } = await run(['task', 'checkpoint', TASK_ID, '--message', 'before it']);
    expect(posts()).toEqual([[`${TASK}/checkpoint-requests`, { message: 'before it' }]]);
    expect(out).toBe('✓ checkpoint 4: before it\n');
    expect(err).toContain(`makima task checkpoint-diff ${TASK_ID} 4`);
  });

  it('says that it was not taken yet', async () => {
    answers(null);
    const { code, out } = await run(['task', 'checkpoint', TASK_ID]);
    expect([code, out]).toEqual([0, '… Recorded. The daemon has not taken the checkpoint yet.\n']);
  });
});

describe('task follow', () => {
  const call = { id: 'c1', name: 'Edit', input: { file_path: 'a.ts' } };
  const live: readonly HistoryEntry[] = [
    entry(51, { eventType: 'status_change', eventData: { previousStatus: 'pending', newStatus: 'running' } }),
    entry(52, { eventType: 'output', eventData: { channel: 'stdout', text: 'hello\n' } }),
    entry(53, { entryType: 'chat_message', eventType: 'assistant', role: 'assistant', seq: 3, content: '' }),
    entry(54, { eventType: 'agent_line', eventData: { lineType: 'noise' } }),
    entry(55, { entryType: 'checkpoint', checkpointNumber: 1, commitSha: 'abc', message: 'turn' }),
  ];
  const ending = (newStatus: string, eventType = 'status_change'): HistoryEntry =>
    entry(60, { eventType, eventData: { previousStatus: 'running', newStatus, reason: null } });

  const streaming = (entries: readonly HistoryEntry[], onOpen: () => void = () => undefined) =>
    fake.on(`GET ${TASK}/stream`, (_, response: ServerResponse) => {
      onOpen();
      startStream(response).write(streamed('synced', '50', { position: '50' }));
      for (const one of entries) response.write(streamed('entry', one.position, one));
      return undefined;
    });

  beforeEach(() => {
    const messages = [message(3, { role: 'assistant', content: 'I edit it', toolCalls: [call] }), message(2)];
    fake
      .on(`GET ${TASK}/history`, { entries: [entry(2), entry(1)] })
      .on(`GET ${TASK}/conversation`, ({ query }) =>
        conversation(query['minPosition'] === undefined ? [message(2)] : messages),
      );
  });

  it.each([
    ['completed', 'task_completed', 0],
    ['failed', 'task_failed', 9],
    ['cancelled', 'task_cancelled', 10],
    ['interrupted', 'status_change', 10],
    ['paused', 'status_change', 10],
  ])('shows what comes until it is %s, and ends by that', async (status, eventType, exit) => {
    streaming([...live, ending(status, eventType)]);
    const { code, out, err } = await run(['task', 'follow', TASK_ID]);
    expect(code).toBe(exit);
    expect(out).toContain('task created');
    expect(out).toContain('status change pending → running');
    expect(out).toContain('│ hello\n');
    expect(out).toContain('I edit it');
    expect(out).toContain('Edit  a.ts');
    expect(out).toContain('● #1 abc turn');
    expect(out).not.toContain('noise');
    expect(out).not.toContain('message 2');
    expect(err).toContain(`task ${TASK_ID} is ${status}`);
  });

  it('prints each message once, also when several come together', async () => {
    const said = (seq: number) =>
      entry(50 + seq, { entryType: 'chat_message', role: 'assistant', seq, content: `m${seq}` });
    fake.on(`GET ${TASK}/conversation`, ({ query }) =>
      conversation(query['minPosition'] === undefined ? [message(2)] : [message(4), message(3), message(2)]),
    );
    streaming([said(3), said(4), ending('completed', 'task_completed')]);
    const { out } = await run(['task', 'follow', TASK_ID, '--limit', '1']);
    expect(out.match(/message \d|m\d/g)).toEqual(['message 3', 'message 4']);
  });

  it("of a fork shows its own messages, whose numbers begin anew behind its source's", async () => {
    const inherited = message(9, { taskId: OTHER_TASK_ID });
    const own = message(1, { content: 'its own' });
    fake.on(`GET ${TASK}/conversation`, ({ query }) =>
      conversation(query['minPosition'] === undefined ? [inherited] : [own, inherited]),
    );
    const said = entry(51, { entryType: 'chat_message', role: 'user', seq: 1, content: 'its own' });
    streaming([said, ending('completed', 'task_completed')]);
    expect((await run(['task', 'follow', TASK_ID])).out).toContain('its own');
  });

  it('ends at once where the task has ended already', async () => {
    streaming([]);
    fake.on(`GET ${TASK}`, task({ status: 'failed' }));
    expect(await run(['task', 'follow', TASK_ID])).toMatchObject({ code: 9 });
  });

  it('waits where somebody has asked for it to go on since', async () => {
    fake.on(`GET ${TASK}`, task({ status: 'interrupted' }));
    const asked = entry(3, { eventType: 'task_continue_requested', eventData: {} });
    fake.on(`GET ${TASK}/history`, { entries: [asked, ending('interrupted'), entry(1)] });
    streaming([ending('completed', 'task_completed')]);
    expect(await run(['task', 'follow', TASK_ID])).toMatchObject({ code: 0 });
  });

  it('prints one document a line as JSON', async () => {
    streaming([...live, ending('completed', 'task_completed')]);
    const { out } = await run(['task', 'follow', TASK_ID, '--format', 'json']);
    const types = out
      .trim()
      .split('\n')
      .map((one) => (JSON.parse(one) as HistoryEntry).eventType);
    expect(types.slice(2)).toEqual([...live.map(({ eventType }) => eventType), 'task_completed']);
  });

  it('of a run is there before it starts, so that nothing is missed', async () => {
    const order: string[] = [];
    fake.on(`POST ${TASK}/start`, () => {
      order.push('start');
      return ASKED;
    });
    streaming([ending('completed', 'task_completed')], () => order.push('stream'));
    expect(await run([...NEW_TASK, '--follow', '--', 'true'])).toMatchObject({ code: 0 });
    expect(order).toEqual(['stream', 'start']);
  });

  it('of a task that starts again does not end by how it ended before', async () => {
    fake.on(`GET ${TASK}`, task({ status: 'failed' }));
    streaming([ending('completed', 'task_completed')]);
    const { code, out } = await run(['task', 'start', TASK_ID, '--follow']);
    expect(code).toBe(0);
    expect(out).not.toContain('task created');
  });
});
