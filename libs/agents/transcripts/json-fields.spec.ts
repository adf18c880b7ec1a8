import { countAt, dollarsAt } from './json-fields.js';

describe('what an agent counts', () => {
  test.each([0, 1, 200_000])('%d is taken', (count) => expect(countAt({ count }, 'count')).toBe(count));

  test.each([1.5, -1, 1e300, 9.3e18, '7', null])('%p is no count', (count) => {
    expect(countAt({ count }, 'count')).toBeUndefined();
  });

  test.each([-0.1, 1.7e308, '1'])('%p is no price', (price) => {
    expect(dollarsAt({ price }, 'price')).toBeUndefined();
  });

  test('a price may have decimals', () => expect(dollarsAt({ price: 0.25 }, 'price')).toBe(0.25));
});
