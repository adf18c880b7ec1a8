import { issueKey, KEY_ID, keyIdOf, parseToken, sameSecret } from './access-key.js';
import { KEY_KINDS } from './scopes.js';

const id = keyIdOf('some command');
const issued = issueKey('tool', id);

describe('a key', () => {
  it('has the form mk_<kind>_<id>_<secret>_<crc>', () => {
    expect(id).toMatch(KEY_ID);
    for (const kind of KEY_KINDS) {
      expect(issueKey(kind, id).token).toMatch(new RegExp(`^mk_${kind}_${id}_[0-9A-Za-z]{32}_[0-9a-f]{8}$`));
    }
  });

  it('is read back', () => {
    expect(parseToken(issued.token)).toEqual({ kind: 'tool', id, secretHash: issued.secretHash });
  });

  it('has another secret each time, of which only the hash is kept', () => {
    const other = issueKey('tool', id);
    expect(other.token).not.toBe(issued.token);
    expect(sameSecret(other.secretHash, issued.secretHash)).toBe(false);
    expect(sameSecret(Buffer.from(issued.secretHash), issued.secretHash)).toBe(true);
    expect(JSON.stringify({ ...issued, token: '' })).not.toContain(issued.token.split('_')[3]);
  });

  it('uses all characters about equally often in its secret', () => {
    const counts = new Map<string, number>();
    for (let round = 0; round < 2_000; round += 1) {
      for (const character of issueKey('user', id).token.split('_')[3]!)
        counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    const mean = (2_000 * 32) / 62;
    expect(counts.size).toBe(62);
    // Eight standard deviations: fails about never by chance, and always for a modulo bias.
    for (const count of counts.values()) expect(Math.abs(count - mean)).toBeLessThan(8 * Math.sqrt(mean));
  });

  it('is the same for the same command', () => {
    expect(keyIdOf('some command')).toBe(id);
    expect(keyIdOf('another command')).not.toBe(id);
  });

  it('is refused with any one character changed, added or left out', () => {
    const { token } = issued;
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === '0' ? '1' : '0';
      expect(parseToken(token.slice(0, at) + other + token.slice(at + 1))).toBeNull();
      expect(parseToken(token.slice(0, at) + token.slice(at + 1))).toBeNull();
      expect(parseToken(`${token.slice(0, at)}0${token.slice(at)}`)).toBeNull();
    }
  });

  it.each([
    '',
    'mk_',
    'Bearer x',
    `${issued.token}\n`,
    issued.token.toUpperCase(),
    issued.token.replace('tool', 'root'),
    '\0',
    'x'.repeat(10_000),
  ])('is refused if it is nonsense (%#)', (token) => {
    expect(parseToken(token)).toBeNull();
  });
});
