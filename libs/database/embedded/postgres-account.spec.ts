import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closedFolder, postgresAccount } from './postgres-account.js';

describe('the account that Postgres runs as', () => {
  let folder: string;
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'makima-account-')));
    mkdirSync(join(folder, 'a/b'), { recursive: true });
    for (const path of [folder, join(folder, 'a'), join(folder, 'a/b')]) chmodSync(path, 0o711);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is never root', () => {
    const account = postgresAccount(join(folder, 'none'));
    if (process.getuid?.() === 0) expect(account.uid).toBeGreaterThan(0);
    else expect(account.uid).toBeUndefined();
  });

  it('is stopped by the outermost folder that it may not enter', () => {
    const stranger = { uid: 64_999, gid: 64_999, name: 'stranger' };
    expect(closedFolder(join(folder, 'a/b'), stranger)).toBeUndefined();
    chmodSync(join(folder, 'a/b'), 0o700);
    chmodSync(join(folder, 'a'), 0o766);
    expect(closedFolder(join(folder, 'a/b'), stranger)).toBe(join(folder, 'a'));
  });

  it('may enter its own folders', () => {
    chmodSync(join(folder, 'a'), 0o700);
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, name: 'owner' };
    expect(closedFolder(join(folder, 'a/b'), owner)).toBeUndefined();
  });
});
