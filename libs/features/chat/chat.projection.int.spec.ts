import { BlobReference } from '#libs/kernel/blob-reference.js';
import type { Row } from '#libs/database/database.js';
import { Sql, sql } from '#libs/database/sql.js';
import { SPEC_OWNER, SpecWorld } from '#libs/testing/projection-spec.js';
import type { ChatEvent } from './chat.events.js';
import { chatProjection } from './chat.projection.js';

const chat = (n: number): string => `00000000-0000-7000-8000-00000000000${n}`;
const contract = '00000000-0000-7000-8000-0000000000c1';
const otherOwner = '00000000-0000-7000-8000-0000000000bb';

const world = new SpecWorld();

const add = (n: number, event: ChatEvent, metadata = {}): void =>
  void world.log.add(`chat-${chat(n)}`, event, metadata);
const opened = (n: number, contractId: string | null = null): ChatEvent => ({
  type: 'ChatOpened',
  data: { chatId: chat(n), kind: contractId === null ? 'mesh' : 'contract', contractId, name: `chat ${n}` },
});
const closed: ChatEvent = { type: 'ChatClosed', data: {} };
const reopened: ChatEvent = { type: 'ChatReopened', data: {} };
const message = (more: object = {}): ChatEvent => ({
  type: 'ChatMessageRecorded',
  data: {
    messageId: crypto.randomUUID(),
    role: 'user',
    content: 'hello',
    contextType: 'mesh',
    contextTaskId: null,
    toolCalls: [],
    pendingQuestions: [],
    ...more,
  },
});
const view = (name: string): Promise<readonly Row[]> =>
  world.database.query(new Sql([`SELECT * FROM ${name} ORDER BY created_at`], []));
const active = async (name = 'mesh_chat_conversations'): Promise<unknown[]> =>
  (await view(name)).filter((row) => row['is_active']).map((row) => row['id']);

describe('the active chat', () => {
  it('is the last one that was opened or reopened', async () => {
    add(1, opened(1));
    add(2, opened(2));
    add(1, reopened);
    await world.projected(chatProjection);
    expect(await active()).toEqual([chat(1)]);
  });

  it('stays when another one is closed or renamed, and is none after it was closed itself', async () => {
    add(1, opened(1));
    add(2, opened(2));
    add(1, closed);
    add(1, { type: 'ChatRenamed', data: { name: 'renamed' } });
    const { active_chats: rows } = await world.projected(chatProjection);
    expect(await active()).toEqual([chat(2)]);
    expect(rows).toHaveLength(2);
  });

  it('is none after it was closed itself', async () => {
    add(1, opened(1));
    add(2, opened(2));
    add(2, closed);
    await world.projected(chatProjection);
    expect(await active()).toEqual([]);
  });

  it('is one for each contract and one for each owner', async () => {
    add(1, opened(1));
    add(2, opened(2, contract));
    add(3, opened(3), { ownerId: otherOwner });
    add(4, opened(4, contract));
    await world.projected(chatProjection);
    expect(await active()).toEqual([chat(1), chat(3)]);
    expect(await active('contract_chat_conversations')).toEqual([chat(4)]);
  });

  it('can be seen as it was at any position', async () => {
    add(1, opened(1));
    add(2, opened(2));
    add(1, reopened);
    const { active_chats: rows } = await world.projected(chatProjection);
    expect(rows!.map((row) => [row['chat_id'], row['from_position'], row['to_position']])).toEqual([
      [chat(1), 1n, 2n],
      [chat(2), 2n, 3n],
      [chat(1), 3n, null],
    ]);
  });
});

describe('the views of SPEC §1.1', () => {
  it('show conversations and messages with exactly its columns, and the owner', async () => {
    add(1, opened(1));
    add(1, message());
    add(2, opened(2, contract));
    add(2, message({ contextType: 'contract' }));
    await world.projected(chatProjection);
    const conversation = ['id', 'owner_id', 'name', 'is_active', 'created_at', 'updated_at'];
    const columns = [
      'id',
      'conversation_id',
      'role',
      'content',
      'context_type',
      'context_task_id',
      'tool_calls',
      'pending_questions',
      'created_at',
      'owner_id',
    ];
    const [mesh] = await view('mesh_chat_conversations');
    expect(Object.keys(mesh!)).toEqual(conversation);
    expect(mesh).toMatchObject({
      id: chat(1),
      owner_id: SPEC_OWNER,
      name: 'chat 1',
      updated_at: world.log.events[1]!.recordedAt,
    });
    expect(Object.keys((await view('mesh_chat_messages'))[0]!)).toEqual(columns);
    expect(Object.keys((await view('contract_chat_conversations'))[0]!)).toEqual([
      'id',
      'owner_id',
      'contract_id',
      ...conversation.slice(2),
    ]);
    expect(await view('contract_chat_messages')).toMatchObject([
      { conversation_id: chat(2), context_type: 'contract' },
    ]);
  });

  it('show tool calls, and questions with their answers', async () => {
    const pendingQuestions = [
      { id: 'q1', question: 'which?', options: ['a', 'b'] },
      { id: 'q2', question: 'when?', options: [] },
    ];
    add(1, opened(1));
    add(1, message({ toolCalls: [{ id: 't1', name: 'list', input: { deep: [1] } }], pendingQuestions }));
    add(1, { type: 'ChatQuestionAnswered', data: { questionId: 'q1', answer: 'a' } });
    await world.projected(chatProjection);
    const [row] = await view('mesh_chat_messages');
    expect(row!['tool_calls']).toEqual([{ id: 't1', name: 'list', input: { deep: [1] } }]);
    expect(row!['pending_questions']).toEqual([
      { ...pendingQuestions[0], answer: 'a' },
      { ...pendingQuestions[1], answer: null },
    ]);
  });

  it('take what agents write: NUL, lone surrogates, keys of every object', async () => {
    const input = JSON.parse('{"__proto__":{"x":"\\u0000"},"\\ud800":"\\udfff"}') as unknown;
    add(1, opened(1));
    add(1, message({ content: 'a\0b\ud800', toolCalls: [{ id: 't', name: 'n\0', input }] }));
    const { chat_messages: rows } = await world.projected(chatProjection);
    expect(rows![0]!['content']).toBe('a\ue0000000b\ue000d800');
    expect(
      await world.database.query(sql`SELECT tool_calls -> 0 ->> 'name' AS name FROM mesh_chat_messages`),
    ).toEqual([{ name: 'n\ue0000000' }]);
  });

  it('hold a preview of a text that stands in a blob', async () => {
    add(1, opened(1));
    add(1, message({ content: new BlobReference('a'.repeat(64), 300_000, 'It begins') }));
    const { chat_messages: rows } = await world.projected(chatProjection);
    expect(rows![0]!['content']).toBe('It begins');
  });
});
