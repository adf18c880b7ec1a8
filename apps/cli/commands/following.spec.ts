import type { ServerResponse } from 'node:http';
import { FakeMakima, startStream, streamed } from '#libs/client/testing/fake-makima.js';
import { runCommand } from '../testing/run-command.js';
import { CONTRACT_ID, conversation, entry, message, OTHER_TASK_ID, TASK_ID } from '../testing/samples.js';

const TASK = `/api/v1/mesh/tasks/${TASK_ID}`;

describe('--follow', () => {
  let fake: FakeMakima;
  let ending: AbortController;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    ending = new AbortController();
  });
  afterEach(() => fake.stop());

  /** A stream that is synced at once, and then says something. */
  const streaming = (path: string, ...texts: readonly string[]): void =>
    void fake.on(`GET ${path}`, (_, response: ServerResponse) => {
      startStream(response).write(`${streamed('synced', '50', { position: '50' })}${texts.join('')}`);
      return undefined;
    });

  const printed = (position: number, text: string): string =>
    streamed(
      'entry',
      String(position),
      entry(position, { eventType: 'output', eventData: { channel: 'stdout', text } }),
    );

  /** Runs a command until something has been printed, then ends it as Ctrl-C does. */
  const runUntil = (last: string, words: string) =>
    runCommand(fake.url, words.split(' '), {
      signal: ending.signal,
      onOutput: (text) => {
        if (text.includes(last)) ending.abort();
      },
    });

  it('shows what there was at the position of the stream, then what comes, and ends with 0', async () => {
    streaming('/api/v1/timeline/stream', printed(51, 'live'), printed(52, 'last'));
    fake.on('GET /api/v1/timeline', { entries: [entry(2), entry(1)] });
    const { code, out } = await runUntil('last', `timeline --follow --contract ${CONTRACT_ID}`);
    expect(code).toBe(0);
    expect(fake.seen[0]).toMatchObject({
      path: '/api/v1/timeline/stream',
      query: { contract_id: CONTRACT_ID },
    });
    expect(fake.seen[1]).toMatchObject({
      path: '/api/v1/timeline',
      query: { asOf: '50', order: 'newest', limit: '100', contract_id: CONTRACT_ID },
    });
    expect(
      out
        .split('\n')
        .slice(0, 4)
        .map((one) => one.replace(/^\S+ \S+ \S+ +plan +/, '')),
    ).toEqual([
      'task  Fix the login  task created Fix the login',
      'task  Fix the login  task created Fix the login',
      'task  Fix the login  output stdout: live',
      'task  Fix the login  output stdout: last',
    ]);
  });

  it('filters what comes as the server filters what was', async () => {
    const failed = (position: number, content: string): string =>
      streamed(
        'entry',
        String(position),
        entry(position, { failed: true, entryType: 'chat_message', role: 'tool', content }),
      );
    streaming(
      '/api/v1/timeline/stream',
      failed(51, 'boom'),
      printed(52, 'boom'),
      failed(53, 'other'),
      failed(54, 'last boom'),
    );
    fake.on('GET /api/v1/timeline', { entries: [] });
    const { out } = await runUntil(
      'last',
      'timeline -f --failed --event-types chat --text BOOM --format json',
    );
    expect(
      out
        .trim()
        .split('\n')
        .map((one) => (JSON.parse(one) as { position: string }).position),
    ).toEqual(['51', '54']);
  });

  it('prints each message of a conversation once, as it comes', async () => {
    streaming(
      `${TASK}/stream`,
      streamed('entry', '52', entry(52, { entryType: 'chat_message', role: 'user', seq: 3 })),
    );
    fake
      .on(`GET ${TASK}/branches`, { taskId: TASK_ID, current: 0, branches: [], forks: [] })
      .on(`GET ${TASK}/conversation`, ({ query }) =>
        query['asOf'] === undefined
          ? conversation([message(3, { content: 'fresh' }), message(2), message(1)])
          : conversation(query['order'] === 'newest' ? [message(2), message(1)] : [message(1), message(2)]),
      );
    const { code, out } = await runUntil('fresh', `task history ${TASK_ID} --limit 1 --follow`);
    expect(code).toBe(0);
    expect(out.match(/message 1/g) ?? []).toHaveLength(1);
    expect(out.match(/fresh/g)).toHaveLength(1);
    expect(fake.last.query).toMatchObject({ minPosition: '52', order: 'newest' });
  });

  it('prints output as it comes', async () => {
    streaming(`${TASK}/stream`, streamed('entry', '51', entry(51)), printed(52, 'two\nthree'));
    fake.on(`GET ${TASK}/output`, {
      taskId: TASK_ID,
      events: [entry(1, { eventType: 'output', eventData: { text: 'one\n' } })],
    });
    expect((await runUntil('three', `task output ${TASK_ID} --follow`)).out).toBe('one\ntwo\nthree\n');
    expect(fake.last.query).toEqual({ limit: '1000', asOf: '50' });
  });

  it('goes on after the connection was lost, and says so', async () => {
    let connections = 0;
    fake.on('GET /api/v1/timeline', { entries: [] }).on('GET /api/v1/timeline/stream', (_, response) => {
      connections += 1;
      startStream(response).write(
        connections === 1
          ? `retry: 1\n\n${streamed('synced', '50', {})}${streamed('entry', '51', entry(51))}`
          : streamed('entry', '52', entry(52)),
      );
      if (connections === 1) setTimeout(() => response.socket?.destroy(), 30);
      return undefined;
    });
    const { out, err } = await runUntil('"position":"52"', 'timeline --follow --format json');
    expect(out.trim().split('\n')).toHaveLength(2);
    expect(fake.seen.filter(({ path }) => path.endsWith('/stream'))[1]?.headers['last-event-id']).toBe('51');
    expect(err).toMatch(/connecting again …\nconnected again\n/);
  });

  it.each([
    'timeline --follow --as-of 5',
    'timeline --follow --reverse',
    `task history ${TASK_ID} --follow --branch 0`,
  ])('does not go with what looks elsewhere: %s', async (words) => {
    expect((await runCommand(fake.url, words.split(' '))).code).toBe(2);
    expect(fake.seen).toEqual([]);
  });

  it("of a fork shows its own messages, whose numbers begin anew behind its source's", async () => {
    const inherited = message(9, { taskId: OTHER_TASK_ID });
    const own = message(1, { content: 'its own' });
    const said = entry(51, { entryType: 'chat_message', role: 'user', seq: 1, content: 'its own' });
    streaming(`${TASK}/stream`, streamed('entry', '51', said));
    fake
      .on(`GET ${TASK}/conversation`, ({ query }) =>
        conversation(query['minPosition'] === undefined ? [inherited] : [own, inherited]),
      )
      .on(`GET ${TASK}/branches`, { taskId: TASK_ID, current: 0, branches: [], forks: [] });
    const { out } = await runUntil('its own', `task history ${TASK_ID} --follow`);
    expect(out).toContain('its own');
  });
});
