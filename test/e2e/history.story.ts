import { randomUUID } from 'node:crypto';
import type { TestApp } from '#libs/testing/app.js';

/**
 * One story, told through the API: a contract with a supervisor and a subtask, and everything that can happen in it.
 * Run on every engine of the log.
 */
export function historyStory(engine: string, start: () => Promise<TestApp>): void {
  describe(`history on ${engine}`, () => {
    let app: TestApp;
    let contractId: string;
    let supervisor: string;
    let subtask: string;
    const ids = new Map<string, string>();

    type Body = Record<string, unknown>;
    type Entry = Body & {
      entryType: string;
      eventType?: string;
      content?: string;
      id: string;
      timestamp: string;
      position: string;
    };
    interface Message extends Body {
      readonly id: string;
      readonly role: string;
      readonly content: string;
      readonly toolResult?: string;
    }

    const at = (minute: number): string => new Date(Date.UTC(2026, 0, 5, 10, minute)).toISOString();
    const post = async (path: string, body: Body = {}, status = 200): Promise<Body> => {
      const answer = await app.call('POST', `/api/v1${path}`, body);
      if (answer.status !== status)
        throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body;
    };
    const get = async <T = Body>(path: string): Promise<T> => {
      const answer = await app.call<T>('GET', `/api/v1${path}`);
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body;
    };
    const record = (taskId: string, ...items: (Body & { name?: string })[]): Promise<Body> =>
      post(`/mesh/tasks/${taskId}/activity`, {
        items: items.map(({ name, ...item }) => {
          const id = randomUUID();
          if (name) ids.set(name, id);
          return { id, ...item };
        }),
      });
    const say = (name: string, role: string, content: string, minute: number): Body & { name: string } => ({
      name,
      kind: 'message',
      role,
      content,
      occurredAt: at(minute),
    });
    const contents = (messages: readonly Message[]): string[] =>
      messages.map((m) => m.toolResult ?? m.content);

    beforeAll(async () => {
      app = await start();
      contractId = (await post('/contracts', { name: 'Todo list', phase: 'research' }, 201))['id'] as string;
      supervisor = (
        await post('/mesh/tasks', { name: 'Supervisor', plan: 'lead', contractId, isSupervisor: true }, 201)
      )['id'] as string;
      subtask = (
        await post('/mesh/tasks', { name: 'Worker', plan: 'work', contractId, parentTaskId: supervisor }, 201)
      )['id'] as string;
      await record(
        supervisor,
        say('s1', 'user', 'Build a todo list', 1),
        say('s2', 'assistant', 'I will research first', 2),
      );
      await post(`/contracts/${contractId}/phase`, { phase: 'execute' });
      await record(
        subtask,
        { kind: 'status', status: 'running', occurredAt: at(3) },
        {
          ...say('w1', 'assistant', 'Writing the store', 4),
          toolCalls: [{ id: 'call-1', name: 'Write', input: { path: 'store.ts' } }],
          usage: { input: 100, output: 20 },
          costUsd: 0.5,
        },
        {
          name: 'w2',
          kind: 'tool_result',
          toolCallId: 'call-1',
          content: 'wrote store.ts',
          files: [{ path: 'store.ts', action: 'A', linesAdded: 12 }],
          occurredAt: at(5),
        },
        {
          ...say('w3', 'assistant', 'Running the tests', 6),
          toolCalls: [{ id: 'call-2', name: 'Bash', input: { command: 'npm test' } }],
          usage: { input: 50, output: 10 },
        },
        {
          name: 'w4',
          kind: 'tool_result',
          toolCallId: 'call-2',
          content: '1 test failed',
          isError: true,
          occurredAt: at(7),
        },
        { kind: 'output', content: 'exit code 1', channel: 'stderr', occurredAt: at(8) },
        {
          name: 'c1',
          kind: 'checkpoint',
          occurredAt: at(9),
          checkpoint: {
            commitSha: 'a'.repeat(40),
            branchName: 'main',
            message: 'store',
            filesChanged: [{ path: 'store.ts', action: 'A' }],
            linesAdded: 12,
            linesRemoved: 0,
          },
        },
        { kind: 'files', files: [{ path: 'README.md', action: 'M' }], occurredAt: at(10) },
        { kind: 'status', status: 'failed', reason: 'tests', occurredAt: at(11) },
      );
      await record(supervisor, { kind: 'pending_tasks', taskIds: [subtask], occurredAt: at(12) });
      await app.caughtUp();
    });
    afterAll(() => app.close());

    describe("a contract's history", () => {
      const history = (query = ''): Promise<{ entries: Entry[]; totalCount: number; cursor?: string }> =>
        get(`/contracts/${contractId}/history?${query}`);

      it('has every kind of entry, with what it is about', async () => {
        const { entries, totalCount } = await history('order=oldest');
        expect(totalCount).toBe(entries.length);
        expect(new Set(entries.map(({ entryType }) => entryType))).toEqual(
          new Set(['task_event', 'chat_message', 'phase_change', 'checkpoint', 'file_change']),
        );
        const checkpoint = entries.find(({ entryType }) => entryType === 'checkpoint');
        expect(checkpoint).toMatchObject({
          checkpointNumber: 1,
          commitSha: 'a'.repeat(40),
          message: 'store',
          taskName: 'Worker',
          phase: 'execute',
        });
        const files = entries
          .filter(({ entryType }) => entryType === 'file_change')
          .map((entry) => entry['filesChanged']);
        expect(files).toEqual([
          [{ path: 'store.ts', action: 'A', linesAdded: 12 }],
          [{ path: 'store.ts', action: 'A' }],
          [{ path: 'README.md', action: 'M' }],
        ]);
        expect(entries.find(({ eventType }) => eventType === 'phase_change')).toMatchObject({
          previousPhase: 'research',
          newPhase: 'execute',
        });
      });

      it('is ordered by time, either end first, and pages without a gap or a repetition', async () => {
        const all = (await history('order=oldest&limit=1000')).entries;
        const times = all.map(({ timestamp }) => timestamp);
        expect(times).toEqual([...times].sort());
        expect((await history('limit=1000')).entries.map(({ id }) => id)).toEqual(
          all.map(({ id }) => id).reverse(),
        );
        for (const order of ['oldest', 'newest']) {
          const paged: string[] = [];
          let cursor = '';
          do {
            const page = await history(`order=${order}&limit=3${cursor && `&cursor=${cursor}`}`);
            paged.push(...page.entries.map(({ id }) => id));
            cursor = page.cursor ?? '';
          } while (cursor);
          expect(paged).toEqual(
            order === 'oldest' ? all.map(({ id }) => id) : all.map(({ id }) => id).reverse(),
          );
        }
      });

      it.each([
        ['phase=research', 6],
        ['event_types=checkpoint', 1],
        ['event_types=chat', 6],
        ['event_types=task_failed,checkpoint', 2],
        ['event_types=file_change&event_types=checkpoint', 4],
        ['failed=true', 2],
        [`from=${at(4)}&to=${at(6)}`, 4],
        ['text=STORE.TS', 5],
        ['text=100%25_no', 0],
        ['phase=execute&event_types=chat_message&failed=false', 3],
      ])('can be filtered: %s', async (query, count) => {
        const { entries, totalCount } = await history(query);
        expect([entries.length, totalCount]).toEqual([count, count]);
      });

      it('can be seen as it stood', async () => {
        const { entries } = await history('order=oldest');
        const middle = entries.find(({ entryType }) => entryType === 'checkpoint')!.position;
        const then = await history(`asOf=${middle}&limit=1000`);
        expect(then.entries.every(({ position }) => BigInt(position) <= BigInt(middle))).toBe(true);
        expect(then.totalCount).toBeLessThan(entries.length);
        expect(
          await app.call('GET', `/api/v1/contracts/${contractId}/history?asOf=2020-01-01T00:00:00Z`),
        ).toMatchObject({ status: 404 });
      });

      it('has an overview that counts everything once', async () => {
        const { totalCount } = await history();
        const overview = await get<{
          buckets: { counts: Record<string, number> }[];
          totals: Record<string, number>;
          failed: number;
        }>(`/contracts/${contractId}/history/overview?buckets=7`);
        const sum = (counts: Record<string, number>): number =>
          Object.values(counts).reduce((a, b) => a + b, 0);
        expect(sum(overview.totals)).toBe(totalCount);
        expect(overview.buckets.reduce((total, { counts }) => total + sum(counts), 0)).toBe(totalCount);
        expect(overview.failed).toBe(2);
      });
    });

    describe('conversations', () => {
      it("shows a task's messages with tools, results, tokens and cost", async () => {
        const body = await get<Body & { messages: Message[] }>(`/mesh/tasks/${subtask}/conversation`);
        expect(contents(body.messages)).toEqual([
          'Writing the store',
          'wrote store.ts',
          'Running the tests',
          '1 test failed',
        ]);
        expect(body.messages[1]).toMatchObject({
          role: 'tool',
          toolName: 'Write',
          toolInput: { path: 'store.ts' },
          isError: false,
        });
        expect(body).toMatchObject({
          taskName: 'Worker',
          status: 'failed',
          totalTokens: 180,
          totalCost: 0.5,
          totalCount: 4,
        });
      });

      it('leaves tool calls and results out when asked', async () => {
        const { messages } = await get<{ messages: Message[] }>(
          `/mesh/tasks/${subtask}/conversation?include_tool_calls=false&include_tool_results=false`,
        );
        expect(contents(messages)).toEqual(['Writing the store', 'Running the tests']);
        expect(messages.every((message) => !('toolCalls' in message))).toBe(true);
      });

      it('pages from either end, also where results are left out', async () => {
        for (const [query, expected] of [
          ['order=oldest', ['Writing the store', 'wrote store.ts', 'Running the tests', '1 test failed']],
          ['order=newest', ['1 test failed', 'Running the tests', 'wrote store.ts', 'Writing the store']],
          ['include_tool_results=false', ['Writing the store', 'Running the tests']],
        ] as const) {
          const seen: string[] = [];
          let cursor = '';
          do {
            const page = await get<{ messages: Message[]; cursor?: string }>(
              `/mesh/tasks/${subtask}/conversation?${query}&limit=1${cursor && `&cursor=${cursor}`}`,
            );
            seen.push(...contents(page.messages));
            cursor = page.cursor ?? '';
          } while (cursor);
          expect(seen).toEqual(expected);
        }
      });

      it("shows a supervisor's with the tasks that it spawned and waits for", async () => {
        const body = await get(`/contracts/${contractId}/supervisor/conversation`);
        expect(body).toMatchObject({
          contractId,
          supervisorTaskId: supervisor,
          phase: 'execute',
          pendingTaskIds: [subtask],
          lastActivity: expect.any(String),
          spawnedTasks: [{ taskId: subtask, taskName: 'Worker', status: 'failed', completedAt: at(11) }],
        });
      });
    });

    describe('going back', () => {
      const conversation = async (query = ''): Promise<string[]> =>
        contents(
          (await get<{ messages: Message[] }>(`/mesh/tasks/${supervisor}/conversation?${query}`)).messages,
        );
      const rewind = (body: Body): Promise<Body> =>
        post(`/contracts/${contractId}/supervisor/conversation/rewind`, body);
      const undo = (): Promise<Body> => post(`/contracts/${contractId}/supervisor/conversation/undo`);

      it('says in a dry run what would happen, and does nothing', async () => {
        const before = await get(`/mesh/tasks/${supervisor}/branches`);
        const would = await rewind({ toMessageId: ids.get('s1'), dryRun: true });
        expect(would).toMatchObject({ dryRun: true, hiddenMessages: 1, messageCount: 1, branch: 1 });
        expect(await get(`/mesh/tasks/${supervisor}/branches`)).toEqual(before);
      });

      it.each([
        ['a message, which stays', () => ({ toMessageId: ids.get('s1') }), ['Build a todo list']],
        [
          'a message, exclusive',
          () => ({ toMessageId: ids.get('s2'), inclusive: false }),
          ['Build a todo list'],
        ],
        [
          'a time: before the first message at or after it',
          () => ({ toTimestamp: at(2) }),
          ['Build a todo list'],
        ],
        ['a number of messages', () => ({ byMessageCount: 1 }), ['Build a todo list']],
        ['more messages than there are', () => ({ byMessageCount: 99 }), []],
      ])('goes to %s, and undo brings everything back', async (_, body, expected) => {
        await rewind(body());
        expect(await conversation()).toEqual(expected);
        await undo();
        expect(await conversation()).toEqual(['Build a todo list', 'I will research first']);
      });

      it('keeps what came after a rewind when that is undone, as a branch', async () => {
        await rewind({ toMessageId: ids.get('s1'), reason: 'another way' });
        await record(supervisor, say('s3', 'assistant', 'I will code at once', 20));
        await app.caughtUp();
        expect(await conversation()).toEqual(['Build a todo list', 'I will code at once']);
        const { undoneBranch } = (await undo()) as { undoneBranch: number };
        expect(await conversation()).toEqual(['Build a todo list', 'I will research first']);
        expect(await conversation(`branch=${undoneBranch}`)).toEqual([
          'Build a todo list',
          'I will code at once',
        ]);
        const tree = await get<{ branches: (Body & { branch: number })[]; current: number }>(
          `/mesh/tasks/${supervisor}/branches`,
        );
        expect(tree.branches.find(({ branch }) => branch === undoneBranch)).toMatchObject({
          kind: 'rewind',
          reason: 'another way',
          messageCount: 2,
          current: false,
          actor: { kind: 'admin' },
          point: { kind: 'message', value: ids.get('s1') },
        });
      });

      it('counts a tool call and its result as one message', async () => {
        await post(`/mesh/tasks/${subtask}/conversation/rewind`, { byMessageCount: 1 });
        const { messages } = await get<{ messages: Message[] }>(`/mesh/tasks/${subtask}/conversation`);
        expect(contents(messages)).toEqual(['Writing the store', 'wrote store.ts']);
        await post(`/mesh/tasks/${subtask}/conversation/undo`);
      });

      it('keeps a message’s tool results with it', async () => {
        await post(`/mesh/tasks/${subtask}/conversation/rewind`, { toMessageId: ids.get('w1') });
        const { messages } = await get<{ messages: Message[] }>(`/mesh/tasks/${subtask}/conversation`);
        expect(contents(messages)).toEqual(['Writing the store', 'wrote store.ts']);
        await post(`/mesh/tasks/${subtask}/conversation/undo`);
      });

      it('refuses what it cannot do, and says why', async () => {
        const refusals: [Body, number, string][] = [
          [{ byMessageCount: 1, rewindCode: true }, 404, 'CHECKPOINT_UNKNOWN'],
          [{}, 422, 'VALIDATION_FAILED'],
          [{ byMessageCount: 1, toTimestamp: at(1) }, 422, 'VALIDATION_FAILED'],
          [{ toMessageId: randomUUID() }, 404, 'MESSAGE_UNKNOWN'],
          [{ toMessageId: ids.get('w1') }, 409, 'MESSAGE_NOT_SHOWN'],
          [{ toMessageId: ids.get('s2') }, 409, 'NOTHING_TO_REWIND'],
        ];
        for (const [body, status, code] of refusals) {
          const answer = await app.call(
            'POST',
            `/api/v1/contracts/${contractId}/supervisor/conversation/rewind`,
            body,
          );
          expect([answer.status, answer.body['code']]).toEqual([status, code]);
        }
      });

      it('is tied to the version that the caller saw, if it says so', async () => {
        const shown = await app.call('GET', `/api/v1/mesh/tasks/${supervisor}`);
        const stale = { 'if-match': '"cv-1"' };
        const path = `/api/v1/mesh/tasks/${supervisor}/conversation/rewind`;
        expect(await app.call('POST', path, { byMessageCount: 1 }, stale)).toMatchObject({ status: 412 });
        const fresh = { 'if-match': shown.headers.get('etag')! };
        expect(await app.call('POST', path, { byMessageCount: 1 }, fresh)).toMatchObject({ status: 200 });
        await undo();
      });

      it('happens once, however often the request is sent under one key', async () => {
        const path = `/api/v1/mesh/tasks/${supervisor}/conversation/rewind`;
        const key = { 'idempotency-key': randomUUID() };
        const first = await app.call('POST', path, { byMessageCount: 1 }, key);
        const second = await app.call('POST', path, { byMessageCount: 1 }, key);
        expect([first.status, second.status]).toEqual([200, 200]);
        expect(second.body['branch']).toBe(first.body['branch']);
        expect(await app.call('POST', path, { byMessageCount: 2 }, key)).toMatchObject({ status: 422 });
        await undo();
        expect(await conversation()).toEqual(['Build a todo list', 'I will research first']);
      });

      it('lets exactly one of two simultaneous rewinds tied to one version win', async () => {
        const { headers } = await app.call('GET', `/api/v1/mesh/tasks/${supervisor}`);
        const path = `/api/v1/mesh/tasks/${supervisor}/conversation/rewind`;
        const tied = { 'if-match': headers.get('etag')! };
        const answers = await Promise.all(
          [1, 1, 1, 1].map((byMessageCount) => app.call('POST', path, { byMessageCount }, tied)),
        );
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
        await undo();
      });
    });

    describe('forks', () => {
      const fork = async (body: Body, status = 201): Promise<Body> =>
        post(`/mesh/tasks/${subtask}/fork`, body, status);
      const newTask = { name: 'Another way', plan: 'try again' };
      const shown = async (taskId: unknown): Promise<string[]> =>
        contents((await get<{ messages: Message[] }>(`/mesh/tasks/${String(taskId)}/conversation`)).messages);

      it('begins with what its source showed, up to a message', async () => {
        const answer = await fork({
          forkFrom: { type: 'message_id', value: ids.get('w3') },
          newTask,
          inclusive: false,
        });
        expect(answer).toMatchObject({
          sourceTaskId: subtask,
          conversationIncluded: true,
          messageCount: 2,
          forkPoint: { type: 'message_id', inclusive: false },
        });
        expect(await shown(answer['newTaskId'])).toEqual(['Writing the store', 'wrote store.ts']);
        await record(answer['newTaskId'] as string, say('f1', 'assistant', 'A new direction', 30));
        await app.caughtUp();
        expect(await shown(answer['newTaskId'])).toEqual([
          'Writing the store',
          'wrote store.ts',
          'A new direction',
        ]);
        expect(await shown(subtask)).toHaveLength(4);
        const tree = await get<{ forks: Body[] }>(`/mesh/tasks/${subtask}/branches`);
        expect(tree.forks).toContainEqual(
          expect.objectContaining({ taskId: answer['newTaskId'], name: 'Another way' }),
        );
      });

      it('takes a checkpoint by number, id or commit, a time, and both shapes', async () => {
        for (const value of ['1', ids.get('c1'), 'a'.repeat(40)]) {
          const answer = await fork({
            forkFromType: 'checkpoint',
            forkFromValue: value,
            newTaskName: 'Flat',
            newTaskPlan: '',
          });
          expect(answer).toMatchObject({
            messageCount: 4,
            forkPoint: { checkpoint: { checkpointNumber: 1, commitSha: 'a'.repeat(40) } },
          });
        }
        expect(await fork({ forkFrom: { type: 'timestamp', value: at(6) }, newTask })).toMatchObject({
          messageCount: 2,
        });
      });

      it('leaves the conversation behind when asked, and tells in a dry run', async () => {
        const bare = await fork({
          forkFrom: { type: 'checkpoint', value: '1' },
          newTask: { ...newTask, includeConversation: false },
        });
        expect(bare).toMatchObject({ conversationIncluded: false, messageCount: 0 });
        expect(await shown(bare['newTaskId'])).toEqual([]);
        const would = await fork({ forkFrom: { type: 'checkpoint', value: '1' }, newTask, dryRun: true });
        expect(await app.call('GET', `/api/v1/mesh/tasks/${String(would['newTaskId'])}`)).toMatchObject({
          status: 404,
        });
      });

      it('can itself go back, into what it took over, and be forked', async () => {
        const child = (await fork({ forkFrom: { type: 'message_id', value: ids.get('w3') }, newTask }))[
          'newTaskId'
        ] as string;
        await record(child, say('g1', 'user', 'child', 40));
        await post(`/mesh/tasks/${child}/conversation/rewind`, { toMessageId: ids.get('w2') });
        expect(await shown(child)).toEqual(['Writing the store', 'wrote store.ts']);
        await post(`/mesh/tasks/${child}/conversation/undo`);
        const answer = await post(
          `/mesh/tasks/${child}/fork`,
          { forkFrom: { type: 'message_id', value: ids.get('g1') }, newTask },
          201,
        );
        expect(await shown(answer['newTaskId'])).toEqual(await shown(child));
      });

      it('refuses points that are not there', async () => {
        for (const [forkFrom, status] of [
          [{ type: 'checkpoint', value: '77' }, 404],
          [{ type: 'timestamp', value: 'yesterday' }, 422],
          [{ type: 'message_id', value: 'x' }, 422],
          [{ type: 'message_id', value: randomUUID() }, 404],
        ] as const) {
          expect(
            (await app.call('POST', `/api/v1/mesh/tasks/${subtask}/fork`, { forkFrom, newTask })).status,
          ).toBe(status);
        }
        expect((await app.call('POST', `/api/v1/mesh/tasks/${subtask}/fork`, { newTask })).status).toBe(422);
      });
    });

    describe('as things stood', () => {
      it('answers every field as it was: phase, status, pending tasks, messages, branches', async () => {
        const { entries } = await get<{ entries: Entry[] }>(
          `/contracts/${contractId}/history?order=oldest&limit=1000`,
        );
        const phaseChange = entries.find(({ eventType }) => eventType === 'phase_change')!;
        const before = String(BigInt(phaseChange.position) - 1n);
        const then = await get<Body & { messages: Message[] }>(
          `/contracts/${contractId}/supervisor/conversation?asOf=${before}`,
        );
        expect(then).toMatchObject({
          phase: 'research',
          pendingTaskIds: [],
          spawnedTasks: [{ taskId: subtask, status: 'pending' }],
          branch: 0,
        });
        expect(contents(then.messages)).toEqual(['Build a todo list', 'I will research first']);
        expect(await get(`/mesh/tasks/${subtask}?asOf=${before}`)).toMatchObject({
          status: 'pending',
          checkpointCount: 0,
        });
        expect(await get(`/mesh/tasks/${supervisor}/branches?asOf=${before}`)).toMatchObject({
          current: 0,
          branches: [{ branch: 0 }],
        });
      });
    });

    describe('live', () => {
      interface Sse {
        readonly id?: string;
        readonly event?: string;
        readonly data: Entry;
      }
      async function* events(
        path: string,
        signal: AbortSignal,
        headers: Record<string, string> = {},
      ): AsyncGenerator<Sse> {
        const response = await app.fetch(path, { signal, headers });
        let text = '';
        for await (const chunk of response.body!.pipeThrough(
          new TextDecoderStream(),
        ) as unknown as AsyncIterable<string>) {
          text += chunk;
          const parts = text.split('\n\n');
          text = parts.pop()!;
          for (const part of parts) {
            const field = (name: string): string | undefined =>
              part
                .split('\n')
                .find((line) => line.startsWith(`${name}: `))
                ?.slice(name.length + 2);
            const data = field('data');
            if (data)
              yield {
                ...(field('id') ? { id: field('id')! } : {}),
                ...(field('event') ? { event: field('event')! } : {}),
                data: JSON.parse(data) as Entry,
              };
          }
        }
      }

      it('replays from any position, says once that it is up to date, goes on live, and resumes after a cut', async () => {
        const stop = new AbortController();
        const { entries } = await get<{ entries: Entry[] }>(
          `/mesh/tasks/${subtask}/history?order=oldest&limit=1000`,
        );
        const seen: string[] = [];
        let synced = 0;
        let lastId = '';
        for await (const { id, event, data } of events(
          `/api/v1/mesh/tasks/${subtask}/stream?after=0`,
          stop.signal,
        )) {
          lastId = id ?? lastId;
          if (event === 'synced') {
            synced += 1;
            await record(subtask, { kind: 'output', content: 'live one' });
          } else seen.push(data.id);
          if (seen.length > entries.length) break;
        }
        stop.abort();
        expect(synced).toBe(1);
        expect(new Set(seen.slice(0, -1))).toEqual(new Set(entries.map(({ id }) => id)));

        await record(subtask, { kind: 'output', content: 'while away' });
        const again = new AbortController();
        for await (const { event, data } of events(`/api/v1/mesh/tasks/${subtask}/stream`, again.signal, {
          'last-event-id': lastId,
        })) {
          if (event === 'synced') continue;
          expect(data['eventData']).toMatchObject({ text: 'while away' });
          break;
        }
        again.abort();
      });

      it('refuses a Last-Event-ID that is no position', async () => {
        const response = await app.fetch('/api/v1/timeline/stream', { headers: { 'last-event-id': 'x' } });
        expect(response.status).toBe(422);
      });
    });
  });
}
