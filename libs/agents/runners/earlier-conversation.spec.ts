import { firstPrompt, type Earlier } from './earlier-conversation.js';
import { Narrator } from './narrator.js';

const promptOf = (conversation?: readonly Earlier[], runId = 'run-1'): string =>
  firstPrompt({ prompt: 'Go on.', ...(conversation && { conversation }) }, new Narrator(runId));

describe('the first prompt', () => {
  test('is the prompt alone where nothing was said before', () => {
    expect([promptOf(), promptOf([])]).toEqual(['Go on.', 'Go on.']);
  });

  test('has what was said and done before it, oldest first', () => {
    const [head, ...lines] = promptOf([
      { kind: 'message', role: 'user', content: 'Add a search.' },
      {
        kind: 'message',
        role: 'assistant',
        content: 'I look.',
        toolCalls: [{ id: 't1', name: 'Read', input: { path: 'a' } }],
      },
      {
        kind: 'message',
        role: 'assistant',
        content: '',
        toolCalls: [{ id: 't2', name: 'Bash', input: 'ls' }],
      },
      { kind: 'tool_result', toolCallId: 't1', toolName: 'Read', content: 'one\ntwo', isError: false },
      { kind: 'tool_result', toolCallId: 't2', content: 'unknown', isError: true },
    ]).split('\n');
    const mark = /carries the word ([0-9a-f-]{13})\./.exec(head ?? '')?.[1];
    expect(lines.map((line) => line.replace(` ${mark}`, ''))).toEqual([
      '=== record',
      ...['--- user', 'Add a search.', '--- assistant', 'I look.', '--- call of Read t1', '{"path":"a"}'],
      ...['--- call of Bash t2', '"ls"', '--- result of Read t1', 'one', 'two'],
      ...['--- result of call t2 (failed)', 'unknown', '=== end of the record'],
      ...['This is what you are asked now:', 'Go on.'],
    ]);
  });

  test('has marks of its own run: a record within a record stays text', () => {
    const said = (content: string): readonly Earlier[] => [{ kind: 'message', role: 'user', content }];
    const first = promptOf(said('Hello.'), 'run-1');
    const [mark] = /(?<==== )\S+/.exec(first) ?? [];
    expect(first.split('\n').filter((line) => line.startsWith(`=== ${mark}`))).toHaveLength(2);
    const second = promptOf(said(first), 'run-2').split('\n');
    const marks = second.filter((line) => line.startsWith('=== ')).map((line) => line.split(' ')[1]);
    expect(marks.map((each) => each === mark)).toEqual([false, true, true, false]);
  });
});
