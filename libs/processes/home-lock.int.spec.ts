import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HomeInUse, lockHome } from './home-lock.js';

const BUILT = fileURLToPath(new URL('../../dist/libs/processes/home-lock.js', import.meta.url));

let home: string;
const children: ChildProcess[] = [];
const lockFile = (): string => join(home, 'makima.lock');

/** Tries for the lock in a process of its own, which then stays. Answers what it said: `held` or the error. */
async function lockElsewhere(): Promise<{ child: ChildProcess; said: string }> {
  const script = `
    const { lockHome } = await import(process.argv[1]);
    await lockHome(process.argv[2]).then(() => console.log('held'), (error) => console.log(error.message));
    setInterval(() => {}, 1000);`;
  const args = ['--input-type=module', '-e', script, BUILT, home];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: said.toString().trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'makima-lock-'))));
afterEach(async () => {
  for (const child of children.splice(0))
    if (child.exitCode === null && child.signalCode === null) await kill(child);
  rmSync(home, { recursive: true, force: true });
});

describe('the lock of a home', () => {
  it('is held by one process, and the others are told by which', async () => {
    const { child, said } = await lockElsewhere();
    expect(said).toBe('held');
    const refusal = `another makima (process ${child.pid}) uses ${home}: stop it, or set MAKIMA_HOME to another folder`;
    await expect(lockHome(home)).rejects.toThrow(new HomeInUse(refusal));
    expect((await lockElsewhere()).said).toBe(refusal);
  });

  it('is held once in a process too, until it is released', async () => {
    const lock = await lockHome(home);
    await expect(lockHome(home)).rejects.toThrow(`another makima (process ${process.pid})`);
    lock.release();
    lock.release();
    (await lockHome(home)).release();
    expect(readdirSync(home)).toEqual([]);
  });

  it('is not given back by whoever held it before', async () => {
    const former = await lockHome(home);
    rmSync(lockFile());
    await lockHome(home);
    former.release();
    await expect(lockHome(home)).rejects.toThrow(HomeInUse);
  });

  it('of a killed process is taken over', async () => {
    await kill((await lockElsewhere()).child);
    const lock = await lockHome(home);
    expect(readFileSync(lockFile(), 'utf8')).toContain(`"pid":${process.pid},`);
    lock.release();
  });

  it('of a process whose pid another one has now is taken over', async () => {
    const { child } = await lockElsewhere();
    const holder = { pid: child.pid, startedAt: 'long ago', id: '0e3c7d3e-0000-4000-8000-000000000000' };
    writeFileSync(lockFile(), JSON.stringify(holder));
    await expect(lockHome(home)).resolves.toBeDefined();
  });

  it.each(['', '{"pid":', '{}', '{"pid":1,"startedAt":"x","id":"../../x"}'])(
    'that reads %j is damaged and taken over',
    async (text) => {
      writeFileSync(lockFile(), text);
      await lockHome(home);
      expect(readdirSync(home)).toEqual(['makima.lock']);
    },
  );

  it('left by a killed process goes to one of many who come at once, also when a take-over was killed before', async () => {
    await kill((await lockElsewhere()).child);
    const stale = readFileSync(lockFile(), 'utf8');
    const { id } = JSON.parse(stale) as { id: string };
    writeFileSync(`${lockFile()}.after-${id}`, stale);
    const answers = await Promise.all(Array.from({ length: 8 }, lockElsewhere));
    expect(answers.filter(({ said }) => said === 'held')).toHaveLength(1);
    const holder = answers.find(({ said }) => said === 'held')?.child.pid;
    expect(
      answers.filter(({ said }) => said.startsWith(`another makima (process ${holder}) uses`)),
    ).toHaveLength(7);
    expect(readdirSync(home)).toEqual(['makima.lock']);
  });

  it('needs a folder that can be written to', async () => {
    await expect(lockHome(join(home, 'missing'))).rejects.toThrow(/^cannot lock \S+missing: ENOENT[^\n]+$/);
  });
});
