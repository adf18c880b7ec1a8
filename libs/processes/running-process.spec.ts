import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pidExists, runningProcess } from './running-process.js';

describe('a running process', () => {
  it('is described the same each time', () => {
    const self = runningProcess(process.pid);
    expect(self?.pid).toBe(process.pid);
    expect(self?.commandLine).toContain('node');
    expect(runningProcess(process.pid)).toEqual(self);
  });

  it('is told apart from another by its start', async () => {
    const child = spawn(process.execPath, ['-e', "setInterval(() => {}, 1000); console.log('up')"]);
    await once(child.stdout, 'data');
    const found = runningProcess(child.pid ?? 0);
    expect(found?.startedAt).toBeTruthy();
    expect(found?.startedAt).not.toBe(runningProcess(process.pid)?.startedAt);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(runningProcess(child.pid ?? 0)).toBeUndefined();
    expect(pidExists(child.pid ?? 0)).toBe(false);
  });

  it('is not a zombie', async () => {
    // The shell's child ends; the shell, replaced by sleep, never collects it.
    const parent = spawn('sh', ['-c', 'sh -c "echo \\$\\$" & exec sleep 30']);
    const [output] = (await once(parent.stdout, 'data')) as [Buffer];
    const zombie = Number(output.toString());
    for (let tries = 0; runningProcess(zombie) && tries < 200; tries++)
      await new Promise((done) => setTimeout(done, 10));
    expect(runningProcess(zombie)).toBeUndefined();
    expect(pidExists(zombie)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  });

  it.each([0, -1, NaN, 1.5, 999_999_999])('has no pid such as %d', (pid) => {
    expect(pidExists(pid)).toBe(false);
    expect(runningProcess(pid)).toBeUndefined();
  });
});
