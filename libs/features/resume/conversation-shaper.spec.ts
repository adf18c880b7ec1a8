import fc from 'fast-check';
import type { Earlier } from '#libs/agents/runners/earlier-conversation.js';
import { NOTHING, plus, shapeOf, type Amount, type Shape } from './context-options.js';
import { amountOf, ConversationShaper, type Shaped } from './conversation-shaper.js';
import type { SaidBefore } from './said-before.js';

const SOMETHING: SaidBefore = {
  place: '',
  role: 'user',
  origin: null,
  text: '',
  toolCalls: [],
  answers: null,
  isError: false,
  files: [],
  fileCount: 0,
  attachments: [],
};

/** A conversation as it is written: each line is given its place. */
function conversation(...lines: readonly Partial<SaidBefore>[]): readonly SaidBefore[] {
  return lines.map((line, index) => ({ ...SOMETHING, place: `t/${index + 1}`, ...line }));
}
const asks = (text: string): Partial<SaidBefore> => ({ text });
const says = (text: string): Partial<SaidBefore> => ({ role: 'assistant', text });
const calls = (...ids: readonly string[]): Partial<SaidBefore> => ({
  role: 'assistant',
  toolCalls: ids.map((id) => ({ id, name: 'Run', input: { command: `run ${id}` } })),
});
const answer = (id: string, seq: number | null, more: Partial<SaidBefore> = {}): Partial<SaidBefore> => ({
  role: 'tool',
  text: `output of ${id}`,
  answers: { id, name: 'Run', place: seq === null ? null : `t/${seq}` },
  ...more,
});

function shaped(said: readonly SaidBefore[], shape: Partial<Shape> = {}, room = 100_000): Shaped {
  const shaper = new ConversationShaper({ ...shapeOf({}, undefined), ...shape }, room);
  for (const each of said.toReversed()) shaper.add(each);
  return shaper.finish();
}

const shownBy = (said: readonly SaidBefore[]): Amount => said.map(amountOf).reduce(plus, NOTHING);
const accounted = ({ given, leftOut }: Pick<Shaped, 'given' | 'leftOut'>): Amount =>
  leftOut.reduce<Amount>(plus, given);

/** Calls without a result after them, and results without a call before them. */
function dangling(entries: readonly Earlier[]): readonly string[] {
  const open: string[] = [];
  const strange: string[] = [];
  const known = new Set<string>();
  for (const entry of entries) {
    if (entry.kind === 'message') {
      const ids = (entry.toolCalls ?? []).map(({ id }) => id);
      open.push(...ids);
      for (const id of ids) known.add(id);
    } else if (known.has(entry.toolCallId)) open.splice(open.indexOf(entry.toolCallId), 1);
    else strange.push(entry.toolCallId);
  }
  return [...open, ...strange];
}

/** Conversations of all kinds: long and short, calls answered late or never, results of calls that nobody made. */
const anyConversation = fc
  .array(
    fc.record({
      what: fc.nat(99),
      which: fc.nat(20),
      length: fc.oneof(fc.nat(300), fc.integer({ min: 5_000, max: 40_000 })),
      isLatin: fc.boolean(),
    }),
    { maxLength: 60 },
  )
  .map((steps) => {
    const open: { id: string; seq: number }[] = [];
    const lines = steps.map(({ what, which, length, isLatin }, index): Partial<SaidBefore> => {
      const text = `${index} ${(isLatin ? 'word ' : '数据').repeat(Math.ceil(length / 5))}`;
      if (what < 25) return asks(text);
      if (what < 45) return says(text);
      if (what < 70) {
        const ids = Array.from({ length: (which % 3) + 1 }, (_, n) => `c${index}.${n}`);
        open.push(...ids.map((id) => ({ id, seq: index + 1 })));
        return { ...calls(...ids), text: what < 55 ? text : '' };
      }
      const [call] = open.splice(which % Math.max(open.length, 1), 1);
      return answer(call?.id ?? `x${index}`, call && what < 97 ? call.seq : null, {
        text,
        isError: what % 2 === 0,
      });
    });
    return conversation(...lines);
  });
const anyShape = fc.record({
  maxMessages: fc.option(fc.integer({ min: 1, max: 20 })),
  includeToolCalls: fc.boolean(),
  includeToolResults: fc.boolean(),
  summaryMode: fc.boolean(),
});

describe('any conversation, shaped in any way', () => {
  it('is given or left out, all of it', () => {
    fc.assert(
      fc.property(anyConversation, anyShape, fc.nat(30_000), (said, shape, room) => {
        expect(accounted(shaped(said, shape, room))).toEqual(shownBy(said));
      }),
    );
  });

  it('has a result for each call, and a call for each result', () => {
    fc.assert(
      fc.property(anyConversation, anyShape, fc.nat(30_000), (said, shape, room) => {
        expect(dangling(shaped(said, shape, room).conversation)).toEqual([]);
      }),
    );
  });

  it('fits', () => {
    fc.assert(
      fc.property(anyConversation, anyShape, fc.integer({ min: 500, max: 30_000 }), (said, shape, room) => {
        expect(shaped(said, shape, room).tokens).toBeLessThanOrEqual(room);
      }),
    );
  });

  it('is given from its end without a gap', () => {
    fc.assert(
      fc.property(anyConversation, fc.nat(30_000), (said, room) => {
        const messages = said.filter(({ role }) => role !== 'tool').map(({ text }) => text.split(' ')[0]);
        const { conversation: given, summary } = shaped(said, {}, room);
        const kept = given
          .slice(summary ? 1 : 0)
          .flatMap((each) => (each.kind === 'message' ? [each.content] : []));
        expect(kept.map((text) => text.split(' ')[0])).toEqual(messages.slice(messages.length - kept.length));
      }),
    );
  });

  it('would not pass with something dropped silently, or with a call left open', () => {
    const said = conversation(asks('go'), calls('a'), answer('a', 2), asks('on'));
    const whole = shaped(said, { maxMessages: 1 });
    expect(accounted({ ...whole, leftOut: [] })).not.toEqual(shownBy(said));
    const { conversation: given } = shaped(said);
    expect(dangling(given.filter(({ kind }) => kind !== 'tool_result'))).toEqual(['a']);
    expect(dangling(given.slice(2))).toEqual(['a']);
  });
});

describe('what an agent is given', () => {
  const told = conversation(asks('first'), calls('a', 'b'), answer('a', 2), says('done'), asks('second'));

  it('is all of it where there is room, with an answer for a call that was cut off', () => {
    const { conversation: given, ...account } = shaped(told);
    expect(given).toMatchObject([
      { role: 'user', content: 'first' },
      { role: 'assistant', toolCalls: [{ id: 'a' }, { id: 'b' }] },
      {
        kind: 'tool_result',
        toolCallId: 'b',
        isError: true,
        content: expect.stringContaining('outcome unknown'),
      },
      { kind: 'tool_result', toolCallId: 'a', isError: false, content: 'output of a' },
      { content: 'done' },
      { content: 'second' },
    ]);
    expect(account).toMatchObject({ leftOut: [], unknownCalls: 1, summary: false, shortened: 0 });
  });

  it('is the newest messages where only so many are wanted', () => {
    const { conversation: given, leftOut, summary } = shaped(told, { maxMessages: 2 });
    expect(given.map((each) => each.content)).toEqual(['done', 'second']);
    expect(leftOut).toEqual([{ reason: 'limit', messages: 2, toolCalls: 2, toolResults: 1 }]);
    expect(summary).toBe(false);
  });

  it('has no results where they are not wanted, and says that there were some', () => {
    const { conversation: given, leftOut, unknownCalls } = shaped(told, { includeToolResults: false });
    expect(given).toContainEqual(
      expect.objectContaining({
        toolCallId: 'a',
        isError: false,
        content: expect.stringContaining('left out'),
      }),
    );
    expect(leftOut).toEqual([{ reason: 'not_wanted', messages: 0, toolCalls: 0, toolResults: 1 }]);
    expect(unknownCalls).toBe(1);
  });

  it('has neither calls nor results where calls are not wanted, and no message of which nothing is left', () => {
    const { conversation: given, leftOut } = shaped(told, { includeToolCalls: false });
    expect(given.map((each) => each.content)).toEqual(['first', 'done', 'second']);
    expect(leftOut).toEqual([
      { reason: 'not_wanted', messages: 0, toolCalls: 2, toolResults: 1 },
      { reason: 'nothing_left', messages: 1, toolCalls: 0, toolResults: 0 },
    ]);
  });

  it('has no result whose call is left out', () => {
    const late = conversation(calls('a'), asks('one'), answer('a', 1), asks('two'));
    const { conversation: given, leftOut } = shaped(late, { maxMessages: 2 });
    expect(given.map((each) => each.content)).toEqual(['one', 'two']);
    expect(leftOut).toContainEqual({ reason: 'call_left_out', messages: 0, toolCalls: 0, toolResults: 1 });
  });

  it('does not take one call for another of the same id', () => {
    const twice = conversation(calls('a'), answer('a', 1), calls('a'));
    expect(shaped(twice).unknownCalls).toBe(1);
  });

  it('names what was attached', () => {
    const attachments = [{ mediaType: 'image/png', bytes: 12, sha256: 'ab' }];
    const [message] = shaped(conversation({ text: 'look', attachments })).conversation;
    expect(message!.content).toBe(
      'look\n[attached: image/png, 12 bytes, SHA-256 ab; it is not part of this record]',
    );
  });

  it('keeps a message that is larger than all the room, without its middle', () => {
    const { conversation: given, shortened } = shaped(
      conversation(asks(`A${'x'.repeat(1_000_000)}Z`)),
      {},
      10_000,
    );
    expect(shortened).toBe(1);
    expect(given).toHaveLength(1);
    expect(given[0]!.content).toMatch(/^Ax+\n\[… \d+ characters are left out here …\]\nx+Z$/);
  });
});

describe('the extract of what there is no room for', () => {
  const chatter = Array.from({ length: 300 }, (_, n) => [
    asks(`question ${n}`),
    says(`${n} ${'word '.repeat(100)}`),
  ]);
  const long = conversation(
    asks('build me a bridge'),
    calls('a'),
    answer('a', 2, {
      isError: true,
      text: 'no steel',
      files: [{ path: 'bridge.ts', action: 'A' }],
      fileCount: 1,
    }),
    ...chatter.flat(),
  );

  it('says what was asked, which files changed, what failed and what came last', () => {
    const { conversation: given, summary, leftOut } = shaped(long, {}, 10_000);
    expect(summary).toBe(true);
    const [{ content }] = given as [Earlier];
    expect(given[0]).toMatchObject({ kind: 'message', role: 'system' });
    expect(content).toContain('build me a bridge');
    expect(content).toMatch(/- question \d+\n/);
    expect(content).toContain('- bridge.ts (added)');
    expect(content).toContain('- Run {"command":"run a"}: no steel');
    const [left] = leftOut;
    expect(content).toContain(`Extract of ${left!.messages + left!.toolResults} older messages`);
    const asked = Number(/last of what is left out\n(\d+) /.exec(content)![1]);
    expect((given.find(({ content: text }) => text.endsWith('word ')) as Earlier).content).toMatch(
      new RegExp(`^${asked + 1} `),
    );
  });

  it('is the same every time', () => {
    expect(shaped(long, {}, 10_000)).toEqual(shaped(long, {}, 10_000));
  });

  it('is made in summary mode though there is room, beside the ten newest messages', () => {
    const { conversation: given, leftOut } = shaped(long, { summaryMode: true });
    expect(given).toHaveLength(11);
    expect(leftOut).toEqual([{ reason: 'summary', messages: 592, toolCalls: 1, toolResults: 1 }]);
  });
});
