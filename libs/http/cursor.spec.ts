import { Problem } from '#libs/kernel/problem.js';
import { CursorCodec, type CursorBinding } from './cursor.js';

const codec = new CursorCodec(Buffer.alloc(32, 1));
const binding: CursorBinding = {
  ownerId: 'owner-a',
  route: 'history/1',
  filters: { kinds: ['a', 'b'], from: new Date(0), after: 5n, limit: 10 },
};
const state = ['12345678901234567', 3, null, true] as const;
const cursor = codec.seal(binding, state);

const refused = (given: string, under: CursorBinding = binding, by = codec): void => {
  expect(() => by.open(under, given)).toThrow(Problem);
};

describe('a cursor', () => {
  it('opens where it was sealed for', () => {
    expect(codec.open(binding, cursor)).toEqual(state);
  });

  it('opens after a restart with the same key', () => {
    expect(new CursorCodec(Buffer.alloc(32, 1)).open(binding, cursor)).toEqual(state);
  });

  it('opens whatever the order of the filters, the page size and the cursor before', () => {
    const filters = { cursor, limit: 99, after: 5n, from: new Date(0), kinds: ['a', 'b'], absent: undefined };
    expect(codec.open({ ...binding, filters }, cursor)).toEqual(state);
  });

  it('does not open for another owner, list, filter or key', () => {
    refused(cursor, { ...binding, ownerId: 'owner-b' });
    refused(cursor, { ...binding, route: 'history/2' });
    refused(cursor, { ...binding, filters: { ...binding.filters, kinds: ['b', 'a'] } });
    refused(cursor, binding, new CursorCodec(Buffer.alloc(32, 2)));
  });

  it('does not open with any one character changed, added or left out', () => {
    for (let at = 0; at < cursor.length; at += 1) {
      const other = cursor[at] === 'A' ? 'B' : 'A';
      refused(cursor.slice(0, at) + other + cursor.slice(at + 1));
      refused(cursor.slice(0, at) + cursor.slice(at + 1));
      refused(cursor.slice(0, at) + 'A' + cursor.slice(at));
    }
  });

  it.each([
    '',
    'x',
    '=',
    '\0',
    '💥',
    '/+=='.repeat(20),
    'A'.repeat(100_000),
    `${cursor}=`,
    `${cursor}\n`,
    ` ${cursor}`,
  ])('does not open if it is nonsense (%#)', (nonsense) => refused(nonsense));

  it('is refused with a code and a way on', () => {
    expect.assertions(1);
    try {
      codec.open(binding, 'x');
    } catch (error) {
      expect(error).toMatchObject({
        code: 'INVALID_CURSOR',
        options: { errors: [{ field: 'cursor' }] },
      });
    }
  });

  it('needs a key of 32 bytes', () => {
    expect(() => new CursorCodec(Buffer.alloc(31))).toThrow(RangeError);
  });
});
