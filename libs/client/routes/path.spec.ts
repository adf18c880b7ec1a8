import { seg } from './path.js';

describe('a part of a path', () => {
  it('cannot become more than one part', () => {
    expect(seg('a/b?c#d e')).toBe('a%2Fb%3Fc%23d%20e');
    expect(seg('%2e%2e')).toBe('%252e%252e');
    expect(seg('\ud800')).toBe('%EF%BF%BD');
  });

  it.each(['', '.', '..'])('is never %j', (text) => {
    expect(() => seg(text)).toThrow(RangeError);
  });
});
