import type { Branch, ConversationMessage } from '#libs/client/types-conversation.js';
import { render, type Line } from '../terminal/styled.js';
import { FORBIDDEN } from '../testing/forbidden.js';
import { message } from '../testing/samples.js';
import { chatLines, chatView } from './conversation.js';
import { cutMarker, cutsOf, messageTable } from './conversation-table.js';

const shown = (lines: readonly Line[]): string => lines.map((one) => render(one, false)).join('\n');

const chat = (messages: readonly ConversationMessage[], { width = Infinity, full = false } = {}): string =>
  shown(chatLines(messages, chatView(messages, width, full)));

const call = (id: string, input: unknown = { command: 'npm test' }) => ({ id, name: 'Bash', input });
const result = (
  seq: number,
  toolCallId: string,
  more: Partial<ConversationMessage> = {},
): ConversationMessage =>
  message(seq, {
    role: 'tool',
    content: '',
    toolCallId,
    toolName: 'Bash',
    toolInput: { command: 'npm test' },
    toolResult: 'ok',
    ...more,
  });

describe('a conversation to read', () => {
  it('says who said what', () => {
    const text = chat([
      message(1, { content: '\n\nHello\n  there\n\n' }),
      message(2, { role: 'assistant', content: 'Hi', model: 'm-1', tokenCount: 1_234 }),
    ]);
    const lines = text.split('\n');
    expect(lines[0]).toMatch(/^── user 2026-\S+ \S+ \S+ · #1 · 0190e5f6-0000-7000-8000-000000000001$/);
    expect(lines.slice(1, 4)).toEqual(['Hello', '  there', '']);
    expect(lines[4]).toMatch(/^── assistant m-1 · .* · 1,234 tokens$/);
  });

  it('folds a tool call to one line, with its result under it', () => {
    const text = chat([
      message(1, { role: 'assistant', content: '', toolCalls: [call('c1')] }),
      result(2, 'c1', { toolResult: 'line 1\nline 2' }),
    ]);
    expect(text.split('\n').slice(1)).toEqual(['  ⏺ Bash  npm test', '  │ line 1', '  │ line 2', '']);
    expect(text).not.toContain('── tool');
  });

  it('puts each result under its own call, when several ran at once', () => {
    const calls = [call('c1', { command: 'first' }), call('c2', { command: 'second' })];
    const text = chat([
      message(1, { role: 'assistant', content: '', toolCalls: calls }),
      result(2, 'c2', { toolResult: 'of second' }),
      result(3, 'c1', { toolResult: 'of first' }),
    ]);
    expect(text.split('\n').slice(1, 5)).toEqual([
      '  ⏺ Bash  first',
      '  │ of first',
      '  ⏺ Bash  second',
      '  │ of second',
    ]);
  });

  it.each([
    [{ isError: true }, '  ⏺ Bash  npm test  failed'],
    [{ isError: true, toolResult: 'Exit code 1\nboom' }, '  ⏺ Bash  npm test  exit 1'],
    [{ toolResult: 'Exit code: 0\nfine' }, '  ⏺ Bash  npm test  exit 0'],
    [{ outcome: 'unknown', isError: true }, '  ⏺ Bash  npm test  cut off'],
  ])('says how a call ended: %j', (more, head) => {
    expect(
      chat([
        message(1, { role: 'assistant', content: '', toolCalls: [call('c1')] }),
        result(2, 'c1', more),
      ]).split('\n')[1],
    ).toBe(head);
  });

  it('cuts long results and thinking, and shows them whole when asked', () => {
    const long = Array.from({ length: 40 }, (_, at) => `line ${at}`).join('\n');
    const messages = [
      message(1, { role: 'assistant', content: '', thinking: 'first\nsecond', toolCalls: [call('c1')] }),
      result(2, 'c1', { toolResult: long }),
    ];
    expect(chat(messages)).toContain('  │ line 5\n  │ … 34 more lines (--full shows them)');
    expect(chat(messages)).toContain('✻ first second\n');
    expect(chat(messages, { full: true })).toContain('  │ line 39');
    expect(chat(messages, { full: true })).toContain('✻ first\n  second\n');
  });

  it('says when a call printed nothing, or has no result yet', () => {
    const messages = [
      message(1, { role: 'assistant', content: '', toolCalls: [call('c1'), call('c2')] }),
      result(2, 'c1', { toolResult: '\n' }),
    ];
    expect(chat(messages).split('\n').slice(1, 4)).toEqual([
      '  ⏺ Bash  npm test',
      '    (no output)',
      '  ⏺ Bash  npm test',
    ]);
  });

  it('shows a result whose call is not there by itself', () => {
    const text = chat([result(7, 'elsewhere')]);
    expect(text).toMatch(/^── tool Bash · .* · #7/);
    expect(text).toContain('\n  ⏺ npm test\n  │ ok\n');
  });

  it('fits a terminal', () => {
    const messages = [
      message(1, { content: `${'word '.repeat(40)}\n${'中文'.repeat(60)}` }),
      message(2, {
        role: 'assistant',
        content: '',
        toolCalls: [call('c1', { command: 'echo '.repeat(100) })],
      }),
      result(3, 'c1', { toolResult: 'x'.repeat(500), isError: true }),
    ];
    for (const full of [false, true]) {
      const widths = chatLines(messages, chatView(messages, 60, full)).map(
        (one) => [...render(one, false)].length,
      );
      expect(Math.max(...widths)).toBeLessThanOrEqual(60);
    }
    expect(chat(messages, { width: 60 })).toMatch(/ {2}⏺ Bash {2}echo .*… {2}failed\n/);
  });

  it('shows nothing that a terminal obeys', () => {
    const bad = '\x1b[2J\x07\u202e';
    const messages = [
      message(1, {
        role: 'assistant',
        content: bad,
        thinking: bad,
        model: bad,
        toolCalls: [{ id: 'c1', name: bad, input: { command: bad } }],
      }),
      result(2, 'c1', { toolResult: bad, toolName: bad }),
    ];
    expect(chat(messages)).not.toMatch(FORBIDDEN);
  });
});

describe('a conversation as a table', () => {
  it('has one message a row', () => {
    const messages = [
      message(1),
      message(2, { role: 'assistant', content: '', toolCalls: [call('c1')] }),
      result(3, 'c1', { isError: true }),
    ];
    const rows = shown(messageTable(messages, chatView(messages, Infinity, false))).split('\n');
    expect(rows).toHaveLength(4);
    expect(rows[2]).toContain('⏺ Bash npm test');
    expect(rows[3]).toContain('✗ Bash ok');
  });
});

const branch = (number: number, more: Partial<Branch>): Branch => ({
  branch: number,
  previousBranch: number === 0 ? null : number - 1,
  kind: number === 0 ? 'start' : 'rewind',
  point: null,
  reason: null,
  actor: { kind: 'user', id: 'k' },
  createdAt: '2026-03-01T10:00:00.000Z',
  messageCount: 10,
  hiddenMessages: 0,
  undoneBranch: null,
  current: false,
  ...more,
});

describe('where a conversation was taken back', () => {
  const places = (branches: readonly Branch[], current: number) =>
    cutsOf(branches, current).map(({ kept, hiddenIn, branch: { branch: began } }) => ({
      kept,
      hiddenIn,
      began,
    }));

  it('is after the messages that both branches show', () => {
    expect(
      places([branch(0, { messageCount: 10 }), branch(1, { messageCount: 8, hiddenMessages: 4 })], 1),
    ).toEqual([{ kept: 6, hiddenIn: 0, began: 1 }]);
  });

  it('is nowhere in a branch that is older', () => {
    expect(places([branch(0, {}), branch(1, { messageCount: 6, hiddenMessages: 4 })], 0)).toEqual([]);
  });

  it('is forgotten when a later rewind goes back further', () => {
    const branches = [
      branch(0, {}),
      branch(1, { messageCount: 9, hiddenMessages: 2 }),
      branch(2, { messageCount: 3, hiddenMessages: 6 }),
    ];
    expect(places(branches, 2)).toEqual([{ kept: 3, hiddenIn: 1, began: 2 }]);
  });

  it('is each place, first to last', () => {
    const branches = [
      branch(0, {}),
      branch(1, { messageCount: 9, hiddenMessages: 6 }),
      branch(2, { messageCount: 8, hiddenMessages: 2 }),
    ];
    expect(places(branches, 2)).toEqual([
      { kept: 4, hiddenIn: 0, began: 1 },
      { kept: 7, hiddenIn: 1, began: 2 },
    ]);
  });

  it('is taken back by an undo', () => {
    const branches = [
      branch(0, {}),
      branch(1, { messageCount: 7, hiddenMessages: 6 }),
      branch(2, { kind: 'undo', undoneBranch: 1, messageCount: 10, hiddenMessages: 3 }),
    ];
    expect(places(branches, 2)).toEqual([]);
  });

  it('is still there after the undo of a later rewind', () => {
    const branches = [
      branch(0, {}),
      branch(1, { messageCount: 7, hiddenMessages: 6 }),
      branch(2, { messageCount: 5, hiddenMessages: 2 }),
      branch(3, { kind: 'undo', undoneBranch: 2, messageCount: 7 }),
    ];
    expect(places(branches, 3)).toEqual([{ kept: 4, hiddenIn: 0, began: 1 }]);
  });

  it('is marked between the messages', () => {
    const messages = [message(1), message(2), message(3)];
    const cut = { branch: branch(1, { hiddenMessages: 2, reason: 'a better\nway' }), kept: 12, hiddenIn: 0 };
    const marker = cutMarker(cut, 10, { see: 'makima see', undo: 'makima undo' });
    const text = shown(chatLines(messages, chatView(messages, Infinity, false), [marker]));
    expect(text).toMatch(
      /message 2\n\n↶ rewound here: 2 messages hidden, in branch 0 · .* by user · “a better way”\n {2}see them with: +makima see\n {2}have them back with: +makima undo\n\n── user/,
    );
  });

  it('may be at the end', () => {
    const marker = cutMarker({ branch: branch(1, { hiddenMessages: 1 }), kept: 1, hiddenIn: 0 }, 0, {
      see: 's',
      undo: 'u',
    });
    expect(shown(chatLines([message(1)], chatView([], Infinity, false), [marker]))).toMatch(
      /message 1\n\n↶ rewound here/,
    );
  });
});
