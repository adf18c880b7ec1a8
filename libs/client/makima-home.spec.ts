import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureHome, HomeError, makimaHome, readCredentials, writeCredentials } from './makima-home.js';

const root = process.getuid?.() === 0;
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe("makima's home", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'makima-home-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is MAKIMA_HOME, absolute, with ~ as the user’s home', () => {
    expect(makimaHome({ MAKIMA_HOME: '/srv/makima/', HOME: '/home/someone' })).toBe('/srv/makima');
    expect(makimaHome({ MAKIMA_HOME: '~/m', HOME: '/home/someone' })).toBe('/home/someone/m');
    expect(makimaHome({ MAKIMA_HOME: 'here' })).toBe(join(process.cwd(), 'here'));
  });

  it('is a folder of the user’s, or a system folder for root', () => {
    const expected = root ? '/var/lib/makima' : '/home/someone/.makima';
    expect(makimaHome({ HOME: '/home/someone', MAKIMA_HOME: ' ' })).toBe(expected);
    expect(makimaHome({})).toBe(root ? '/var/lib/makima' : join(homedir(), '.makima'));
  });

  it('is made with its folders, which nobody else may read', () => {
    const home = join(folder, 'a/b');
    ensureHome(home);
    ensureHome(home);
    expect(readdirSync(home).sort()).toEqual(['keys', 'logs']);
    expect([modeOf(join(home, 'keys')), modeOf(join(home, 'logs'))]).toEqual(['700', '700']);
    expect(modeOf(home)).toBe(root ? '711' : '700');
  });

  it('closes a folder of keys that stood open', () => {
    mkdirSync(join(folder, 'keys'));
    chmodSync(join(folder, 'keys'), 0o755);
    ensureHome(folder);
    expect(modeOf(join(folder, 'keys'))).toBe('700');
  });

  it('says in one line what stands in the way, and what to do', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const home of [file, join(file, 'below')]) {
      const message = `cannot use ${home} as makima's home (${file} is a file, not a folder): set MAKIMA_HOME to a folder that you can write to`;
      expect(() => ensureHome(home)).toThrow(new HomeError(message));
    }
    for (const home of ['/dev/null/makima', '/proc/makima/home', join(folder, 'x'.repeat(300))]) {
      expect(() => ensureHome(home)).toThrow(
        /^cannot use \S+ as makima's home \([^\n]+\): set MAKIMA_HOME[^\n]+$/,
      );
    }
  });

  describe('credentials', () => {
    it('are kept for their owner alone, and replaced as a whole', () => {
      expect(readCredentials(folder)).toBeUndefined();
      writeCredentials(folder, { url: 'http://127.0.0.1:7420', token: 'one' });
      writeCredentials(folder, { url: 'http://127.0.0.1:7421', token: 'two' });
      expect(readCredentials(folder)).toEqual({ url: 'http://127.0.0.1:7421', token: 'two' });
      expect(modeOf(join(folder, 'credentials.json'))).toBe('600');
      expect(readdirSync(folder)).toEqual(['credentials.json']);
    });

    it('of a home that does not exist are none', () => {
      expect(readCredentials(join(folder, 'nowhere'))).toBeUndefined();
    });

    it.each(['', '{', 'null', '[]', '{"url":"http://x"}', '{"url":1,"token":"t"}'])(
      'that read %j are damaged',
      (text) => {
        writeFileSync(join(folder, 'credentials.json'), text);
        expect(() => readCredentials(folder)).toThrow(/credentials\.json is damaged: delete it/);
      },
    );

    it('that cannot be written leave nothing behind', () => {
      mkdirSync(join(folder, 'credentials.json'));
      expect(() => writeCredentials(folder, { url: 'u', token: 't' })).toThrow(
        /^cannot write \S+credentials\.json [^\n]+$/,
      );
      expect(readdirSync(folder)).toEqual(['credentials.json']);
    });
  });
});
