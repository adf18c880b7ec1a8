import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cursorKey } from './settings.js';

let home: string;
const file = (): string => join(home, 'keys/cursor.key');
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'makima-settings-'));
  mkdirSync(join(home, 'keys'));
});
afterEach(() => rmSync(home, { recursive: true }));

describe('the key for cursors', () => {
  it('is made once, and for its owner alone', () => {
    const key = cursorKey(home);
    expect(key).toHaveLength(32);
    expect(cursorKey(home)).toEqual(key);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(home, 'keys'))).toEqual(['cursor.key']);
  });

  it.each(['', 'abcd', 'no hex at all'])('is made anew where a killed start or an editor left %j', (left) => {
    writeFileSync(file(), left);
    const key = cursorKey(home);
    expect(key).toHaveLength(32);
    expect(cursorKey(home)).toEqual(key);
  });
});
