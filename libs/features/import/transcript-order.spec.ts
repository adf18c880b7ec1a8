import type { Outline } from '#libs/agents/transcripts/transcript-outline.js';
import { inOrder, related } from './transcript-order.js';

const outline = (sessionId: string, rest: Partial<Outline> = {}): Outline => ({
  files: [`${sessionId}.jsonl`],
  agent: 'claude-code',
  sessionId,
  startedAt: '10:00',
  endedAt: '11:00',
  entries: 10,
  firstId: sessionId,
  forkedFrom: undefined,
  ...rest,
});
const order = (...outlines: readonly Outline[]) =>
  inOrder(outlines).map(({ files }) => files[0]!.slice(0, 1));

describe('the order of import', () => {
  it('is that of their beginnings, then that of their ends, then of their length', () => {
    const [a, b, c, d] = [
      outline('a'),
      outline('b', { startedAt: '09:00', endedAt: '12:00' }),
      outline('c', { endedAt: '10:30' }),
      outline('d', { entries: 9 }),
    ];
    expect(order(a, b, c, d)).toEqual(['b', 'c', 'd', 'a']);
  });

  it('has a source before its forks, whatever the times say', () => {
    const child = outline('c', { forkedFrom: 'p', startedAt: '08:00' });
    const grandchild = outline('g', { forkedFrom: 'c', startedAt: '07:00' });
    expect(order(grandchild, child, outline('p'), outline('x', { startedAt: '09:00' }))).toEqual([
      'p',
      'c',
      'g',
      'x',
    ]);
  });

  it('ends although two name each other as their source', () => {
    expect(order(outline('a', { forkedFrom: 'b' }), outline('b', { forkedFrom: 'a' })).toSorted()).toEqual([
      'a',
      'b',
    ]);
  });

  it('tells one agent from another', () => {
    const child = outline('c', { forkedFrom: 'p', startedAt: '08:00' });
    expect(order(child, outline('p', { agent: 'codex' }))).toEqual(['c', 'p']);
  });
});

describe('related transcripts', () => {
  it('share a session, a source or a first message', () => {
    const alone = outline('z');
    const source = outline('p');
    const fork = outline('c', { forkedFrom: 'p' });
    const same = outline('q', { firstId: 'one' });
    const twin = outline('r', { firstId: 'one' });
    expect([...related([alone, source, fork, same, twin])]).toEqual([source, fork, same, twin]);
  });
});
