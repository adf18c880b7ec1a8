import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { TestApp } from '#libs/testing/app.js';

const SAMPLES = 'libs/agents/transcripts/samples/claude-code-growing';

/** Makes at least one event of every type that the product writes. */
export async function tellStory(app: TestApp): Promise<void> {
  const post = (path: string, body: object = {}): Promise<Record<string, string>> =>
    app.post<Record<string, string>>(`/api/v1${path}`, body);
  const contract = (await post('/contracts', { name: 'Todo list', description: 'A list of things to do' }))[
    'id'
  ];
  const lead = (
    await post('/mesh/tasks', { name: 'Lead', plan: 'plan it', contractId: contract, isSupervisor: true })
  )['id'];
  const worker = (await post('/mesh/tasks', { name: 'Worker', contractId: contract, parentTaskId: lead }))[
    'id'
  ];
  await post(`/contracts/${contract}/phase`, { phase: 'execute' });
  let minute = 0;
  const id = (name: string): string => {
    const hex = createHash('sha256').update(name).digest('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  };
  const record = (task: string | undefined, ...items: ({ name: string } & Record<string, unknown>)[]) =>
    post(`/mesh/tasks/${task}/activity`, {
      items: items.map(({ name, ...item }) => ({
        id: id(name),
        occurredAt: new Date(Date.UTC(2026, 0, 5, 9, (minute += 1))).toISOString(),
        ...item,
      })),
    });
  await record(
    lead,
    { name: 'l1', kind: 'message', role: 'user', content: 'Build a todo list\0 with \ud800 odd characters' },
    {
      name: 'l2',
      kind: 'message',
      role: 'assistant',
      content: 'I will spawn a worker',
      thinking: 'one is enough',
    },
    { name: 'l3', kind: 'pending_tasks', taskIds: [worker] },
  );
  await record(
    worker,
    { name: 'w1', kind: 'status', status: 'running' },
    {
      name: 'w2',
      kind: 'message',
      role: 'assistant',
      content: 'Writing',
      model: 'a-model',
      usage: { input: 10, output: 5 },
      costUsd: 0.01,
      toolCalls: [{ id: 'c1', name: 'Write', input: { path: 'a.ts' } }],
    },
    {
      name: 'w3',
      kind: 'tool_result',
      toolCallId: 'c1',
      content: 'written',
      files: [{ path: 'a.ts', action: 'A' }],
    },
    { name: 'w4', kind: 'output', content: 'done', channel: 'stdout' },
    { name: 'w5', kind: 'files', files: [{ path: 'b.ts', action: 'D' }] },
    { name: 'w6', kind: 'line', lineType: 'odd', content: '{"type":"odd"}' },
    {
      name: 'w7',
      kind: 'checkpoint',
      checkpoint: {
        commitSha: 'b'.repeat(40),
        branchName: 'main',
        message: 'first',
        filesChanged: [{ path: 'a.ts', action: 'A' }],
        linesAdded: 1,
        linesRemoved: 0,
      },
    },
    { name: 'w8', kind: 'status', status: 'failed', reason: 'tests' },
  );
  await post(`/mesh/tasks/${lead}/snapshots`, { note: 'before' });
  await post(`/mesh/tasks/${lead}/conversation/rewind`, { byMessageCount: 1, reason: 'another way' });
  await record(lead, { name: 'l4', kind: 'message', role: 'assistant', content: 'I will do it myself' });
  await post(`/mesh/tasks/${lead}/conversation/undo`);
  await post(`/mesh/tasks/${worker}/fork`, {
    forkFrom: { type: 'checkpoint', value: '1' },
    newTask: { name: 'Fork', plan: 'again' },
  });
  await post(`/mesh/tasks/${worker}/continue`, { resumeMode: 'with_context' });
  await post(`/mesh/tasks/${worker}/reassign`);
  await leaveCallsOpen(post, record, worker, id);
  const chat = (await post(`/contracts/${contract}/chats`, { name: 'About it' }))['id'];
  await post(`/contracts/${contract}/chats/${chat}/messages`, { role: 'user', content: 'How is it going?' });
  await post(`/contracts/${contract}/status`, { status: 'completed' });
  // The same session twice: grown, so that a message is amended.
  for (const part of ['1of2', '2of2']) await importFile(app, `${SAMPLES}/${part}.jsonl`);
}

type Post = (path: string, body?: object) => Promise<Record<string, string>>;
type Item = { name: string } & Record<string, unknown>;

/** A rewind hides a result, the rewind's undo is undone, and a fork answers a call of its source. */
async function leaveCallsOpen(
  post: Post,
  record: (task: string | undefined, ...items: Item[]) => Promise<unknown>,
  worker: string | undefined,
  id: (name: string) => string,
): Promise<void> {
  const call = { id: 'c2', name: 'Bash', input: { command: 'ls' } };
  const result = { kind: 'tool_result', toolCallId: 'c2', content: 'a.ts' };
  await record(
    worker,
    { name: 'w9', kind: 'message', role: 'assistant', content: 'Looking', toolCalls: [call] },
    { name: 'w10', ...result },
  );
  await post(`/mesh/tasks/${worker}/conversation/rewind`, { toMessageId: id('w10'), inclusive: false });
  await post(`/mesh/tasks/${worker}/conversation/undo`);
  await post(`/mesh/tasks/${worker}/conversation/undo`, { branch: 2 });
  const forkFrom = { type: 'message_id', value: id('w9') };
  const newTask = { name: 'Answers', plan: 'what was asked' };
  const { newTaskId } = await post(`/mesh/tasks/${worker}/fork`, { forkFrom, newTask });
  await record(newTaskId, { name: 'f1', ...result });
}

async function importFile(app: TestApp, path: string): Promise<void> {
  const response = await app.fetch(`/api/v1/import?name=${encodeURIComponent(path)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: readFileSync(path),
  });
  if (response.status >= 300) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}
