import type { Happening } from '#libs/agents/runners/happening.js';
import { itemOf, TurnEnds } from './activity-items.js';

const AT = { id: '9d0f6f6e-1111-4222-8333-000000000001', occurredAt: '2026-03-02T09:00:00.000Z' } as const;
const call = (id: string) => ({ id, name: 'Bash', input: {} });
const message = (more: object): Happening => ({
  ...AT,
  kind: 'message',
  role: 'assistant',
  content: '',
  ...more,
});
const result = (toolCallId: string, more: object = {}): Happening => ({
  ...AT,
  kind: 'tool_result',
  toolCallId,
  content: 'ok',
  isError: false,
  ...more,
});

it('sends what happens as it is', () => {
  const said = message({ content: 'hello', toolCalls: [call('a')] });
  expect(itemOf(said)).toBe(said);
});

it('keeps what a sub-agent says and does line by line: nobody said it in the conversation of the task', () => {
  expect(itemOf(message({ content: 'hello', parentCallId: 'a' }))).toEqual({
    ...AT,
    kind: 'line',
    lineType: 'sub-agent message',
    content: JSON.stringify({ role: 'assistant', content: 'hello', parentCallId: 'a' }),
  });
});

it('keeps the account of a run, and leaves its status to the end of the lease', () => {
  const lines = { read: 1, told: 1, kept: {}, passed: {}, blank: 0, stderr: 0, cut: 0, replaced: 0 };
  const outcome = { as: 'failed', reason: 'no' } as const;
  const item = itemOf({ ...AT, kind: 'end', status: 'failed', reason: 'no', outcome, costUsd: 2, lines });
  expect(item).toMatchObject({ ...AT, kind: 'line', lineType: 'run end' });
  expect(JSON.parse('content' in item ? item.content : '')).toEqual({
    status: 'failed',
    reason: 'no',
    outcome,
    costUsd: 2,
    lines,
  });
});

it('takes a turn for over when the agent has spoken, and waits for no call', () => {
  const turns = new TurnEnds();
  const heard = [
    message({ role: 'user', content: 'Do it.' }),
    message({ toolCalls: [call('a'), call('b')] }),
    result('a'),
    message({ content: 'meanwhile' }),
    message({ content: 'of another', parentCallId: 'b' }),
    result('x', { parentCallId: 'b' }),
    result('b'),
    message({ content: 'done' }),
  ];
  expect(heard.map((each) => turns.hear(each))).toEqual([
    ...[false, false, false, false, false, false, false],
    true,
  ]);
});
