import { CommandBus } from '@nestjs/cqrs';
import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { DispatchTask } from '../task/task.commands.js';

interface Snapshot {
  readonly id: string;
  readonly snapshotType: string;
  readonly checkpointId: string | null;
  readonly messageCount: number;
  readonly note: string | null;
  readonly controlVersion: number;
  readonly position: string;
  readonly messages: readonly { readonly content: string; readonly role: string }[];
  readonly cursor?: string;
}
interface Snapshots {
  readonly snapshots: readonly Snapshot[];
  readonly cursor?: string;
}

const TASKS = '/api/v1/mesh/tasks';
let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ snapshots: { everyMessages: 5, everyMinutes: 60 } });
});
afterAll(() => app.close());

async function newTask(more = {}): Promise<string> {
  return (await app.post<{ id: string }>(TASKS, { name: 'a task', plan: '', ...more })).id;
}
const items = (contents: readonly string[], at = '2026-01-01T00:00:00Z'): unknown => ({
  items: contents.map((content) => ({
    id: crypto.randomUUID(),
    kind: 'message',
    role: 'user',
    content,
    occurredAt: at,
  })),
});
const say = (taskId: string, contents: readonly string[], at?: string): Promise<unknown> =>
  app.post(`${TASKS}/${taskId}/activity`, items(contents, at));
const shown = async (taskId: string): Promise<string> => {
  await app.caughtUp();
  const { messages } = await app.get<{ messages: { content: string }[] }>(`${TASKS}/${taskId}/conversation`);
  return messages.map(({ content }) => content).join('');
};
const listed = async (taskId: string, query = ''): Promise<readonly Snapshot[]> => {
  await app.caughtUp();
  return (await app.get<Snapshots>(`${TASKS}/${taskId}/snapshots${query}`)).snapshots;
};
const take = (taskId: string, body = {}): Promise<Snapshot> =>
  app.post<Snapshot>(`${TASKS}/${taskId}/snapshots`, body);

describe('a snapshot', () => {
  it('is taken by hand, listed and read with its messages', async () => {
    const taskId = await newTask();
    await say(taskId, ['a', 'b', 'c']);
    const taken = await take(taskId, { note: 'three\0' });
    expect(taken).toMatchObject({
      taskId,
      snapshotType: 'manual',
      messageCount: 3,
      note: 'three\0',
      takenBy: { kind: 'admin' },
      dryRun: false,
    });
    await say(taskId, ['d']);
    expect(await listed(taskId, '?type=manual')).toMatchObject([{ id: taken.id, messageCount: 3 }]);
    const read = await app.call<Snapshot>('GET', `${TASKS}/${taskId}/snapshots/${taken.id}`);
    expect(read.body.messages.map(({ content }) => content)).toEqual(['a', 'b', 'c']);
    expect(read.headers.get('etag')).toBe(`"cv-${read.body.controlVersion}"`);
  });

  it('is read in pages from either end', async () => {
    const taskId = await newTask();
    await say(taskId, ['1', '2', '3', '4', '5', '6', '7']);
    const { id } = await take(taskId);
    for (const [order, expected] of [
      ['oldest', '1234567'],
      ['newest', '7654321'],
    ] as const) {
      let read = '';
      let cursor: string | undefined;
      do {
        const page: Snapshot = await app.get(
          `${TASKS}/${taskId}/snapshots/${id}?order=${order}&limit=3${cursor ? `&cursor=${cursor}` : ''}`,
        );
        read += page.messages.map(({ content }) => content).join('');
        cursor = page.cursor;
      } while (cursor);
      expect(read).toBe(expected);
    }
  });

  it('shows messages as they stood when it was taken', async () => {
    const taskId = await newTask();
    await say(taskId, ['first draft']);
    const { id } = await take(taskId);
    const content = { role: 'assistant', content: 'second draft' } as const;
    const amend = {
      type: 'RecordActivity',
      activities: [{ type: 'AmendMessage', seq: 1, content }],
    } as const;
    const context = {
      actor: { kind: 'system', id: 'spec' },
      ownerId: app.ownerId,
      now: new Date(),
      commandId: crypto.randomUUID(),
      idempotent: false,
    } as const;
    await app.server.application.get(CommandBus).execute(new DispatchTask(taskId, amend, context));
    expect(await shown(taskId)).toBe('second draft');
    const { messages } = await app.get<Snapshot>(`${TASKS}/${taskId}/snapshots/${id}`);
    expect(messages.map((message) => message.content)).toEqual(['first draft']);
  });

  it('leaves out what is not wanted', async () => {
    const taskId = await newTask();
    const call = { id: 'c1', name: 'Read', input: { path: 'x' } };
    await app.post(`${TASKS}/${taskId}/activity`, {
      items: [
        { id: crypto.randomUUID(), kind: 'message', role: 'assistant', content: 'look', toolCalls: [call] },
        { id: crypto.randomUUID(), kind: 'tool_result', toolCallId: 'c1', content: 'found' },
      ],
    });
    const { id } = await take(taskId);
    const path = `${TASKS}/${taskId}/snapshots/${id}`;
    expect((await app.get<Snapshot>(path)).messages).toMatchObject([
      { toolCalls: [call] },
      { role: 'tool', toolResult: 'found' },
    ]);
    const { messages } = await app.get<Snapshot>(
      `${path}?include_tool_calls=false&include_tool_results=false`,
    );
    expect(messages).toHaveLength(1);
    expect(messages[0]).not.toHaveProperty('toolCalls');
  });

  it('is listed in pages, and as things stood at a position', async () => {
    const taskId = await newTask();
    await say(taskId, ['a']);
    const taken: string[] = [];
    for (const note of ['1', '2', '3', '4', '5']) taken.push((await take(taskId, { note })).position);
    const seen: (string | null)[] = [];
    let cursor: string | undefined;
    do {
      const page: Snapshots = await app.get<Snapshots>(
        `${TASKS}/${taskId}/snapshots?type=manual&limit=2${cursor ? `&cursor=${cursor}` : ''}`,
      );
      seen.push(...page.snapshots.map(({ note }) => note));
      cursor = page.cursor;
    } while (cursor);
    expect(seen).toEqual(['5', '4', '3', '2', '1']);
    expect((await listed(taskId, `?type=manual&asOf=${taken[1]}`)).map(({ note }) => note)).toEqual([
      '2',
      '1',
    ]);
  });

  it('is taken once, however often the request arrives', async () => {
    const taskId = await newTask();
    await say(taskId, ['a']);
    const key = { 'idempotency-key': 'snapshot-once' };
    const first = await app.post<Snapshot>(`${TASKS}/${taskId}/snapshots`, {}, key);
    expect(await app.post(`${TASKS}/${taskId}/snapshots`, {}, key)).toMatchObject({
      id: first.id,
      position: first.position,
    });
    expect(await listed(taskId, '?type=manual')).toHaveLength(1);
  });

  it('can be tried without being taken', async () => {
    const taskId = await newTask();
    await say(taskId, ['a', 'b']);
    expect(await take(taskId, { dryRun: true })).toMatchObject({ messageCount: 2, dryRun: true });
    expect(await listed(taskId, '?type=manual')).toEqual([]);
  });
});

describe('snapshots by themselves', () => {
  it('are taken after so many messages, in one batch or in many', async () => {
    const [one, many] = [await newTask(), await newTask()];
    const contents = Array.from({ length: 12 }, (_, n) => `${n} `);
    await say(one, contents);
    for (const content of contents) await say(many, [content]);
    // The first is the one that starts the count of minutes.
    for (const taskId of [one, many]) {
      expect(
        (await listed(taskId)).map(({ snapshotType, messageCount }) => [snapshotType, messageCount]),
      ).toEqual([
        ['auto', 11],
        ['auto', 6],
        ['auto', 1],
      ]);
    }
  });

  it('are taken after so many minutes of the messages, whenever these arrive', async () => {
    const taskId = await newTask();
    for (const at of ['10:00', '10:59', '11:00', '11:59', '12:30'])
      await say(taskId, [at], `2026-01-01T${at}:00Z`);
    expect((await listed(taskId)).map(({ messageCount }) => messageCount)).toEqual([5, 3, 1]);
  });
});

describe('a checkpoint', () => {
  it('has a snapshot of its own, by which the conversation goes back to it', async () => {
    const taskId = await newTask();
    await say(taskId, ['a', 'b']);
    const checkpoint = {
      commitSha: 'b'.repeat(40),
      message: 'works',
      filesChanged: [],
      linesAdded: 1,
      linesRemoved: 0,
    };
    const id = crypto.randomUUID();
    await app.post(`${TASKS}/${taskId}/activity`, { items: [{ id, kind: 'checkpoint', checkpoint }] });
    await say(taskId, ['c']);
    const [snapshot] = await listed(taskId, '?type=checkpoint');
    expect(snapshot).toMatchObject({ checkpointId: id, messageCount: 2 });
    expect(await app.get(`${TASKS}/${taskId}/checkpoints/${id}`)).toMatchObject({
      conversationSnapshotId: snapshot!.id,
    });
    await app.post(`${TASKS}/${taskId}/snapshots/${snapshot!.id}/restore`);
    expect(await shown(taskId)).toBe('ab');
  });
});
