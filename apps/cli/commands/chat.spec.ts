import { FakeMakima } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { CONTRACT_ID, TASK_ID } from '../testing/samples.js';

describe('makima chat', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);

  const CHAT_ID = '0190b2c3-0000-7000-8000-000000000001';
  const chat = {
    id: CHAT_ID,
    name: 'Planning',
    contractId: null,
    status: 'open',
    isActive: true,
    messageCount: 2,
    openQuestions: 1,
    createdAt: '2026-03-01T10:00:00Z',
    updatedAt: '2026-03-01T10:00:00Z',
  };
  const said = (content: string, more: object = {}) => ({
    id: 'm',
    role: 'user',
    content,
    contextType: 'mesh',
    contextTaskId: null,
    toolCalls: [],
    pendingQuestions: [],
    createdAt: '2026-03-01T10:00:00Z',
    ...more,
  });

  it('list and show read chats about the mesh', async () => {
    fake
      .on('GET /api/v1/mesh/chats', { chats: [chat] })
      .on(`GET /api/v1/mesh/chats/${CHAT_ID}`, chat)
      .on(`GET /api/v1/mesh/chats/${CHAT_ID}/messages`, ({ query }) => {
        const messages = [
          said('What is next?'),
          said('', {
            role: 'assistant',
            contextTaskId: TASK_ID,
            toolCalls: [{ id: '1', name: 'list_tasks', input: { status: 'x' }, result: 'none' }],
            pendingQuestions: [
              { id: 'q', question: 'Which?', options: ['A', 'B'], answer: null },
              { id: 'r', question: 'Sure?', options: [], answer: 'yes' },
            ],
          }),
        ];
        return {
          messages:
            query['order'] === 'newest' ? messages.reverse().slice(0, Number(query['limit'])) : messages,
        };
      });
    expect((await run('chat list')).out).toMatch(/active +2 +1 .*Planning\n$/);
    const { out } = await run('chat show 0190b2c3');
    expect(out).toMatch(
      /^Planning {2}active · 2 messages\n\n── user .* about the mesh\nWhat is next\?\n\n── assistant .* about task 0190c3d4/,
    );
    expect(out).toContain(
      '  ⏺ list_tasks  {"status":"x"}  → none\n  ? Which?\n      · A\n      · B\n  ? Sure?  → yes\n',
    );
    expect((await run('chat show 0190b2c3 --limit 1 --format table')).out.split('\n')).toHaveLength(3);
  });

  it('and about a contract', async () => {
    fake.on(`GET /api/v1/contracts/${CONTRACT_ID}/chats`, { chats: [] });
    expect((await run(`chat list --contract ${CONTRACT_ID}`)).err).toBe('no chats\n');
  });
});
