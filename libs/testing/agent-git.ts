import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export type AgentGit = (...args: readonly string[]) => string;

/** Git as an agent or a person uses it in a folder, obeying the configuration there and no other. */
export const agentGit =
  (folder: string): AgentGit =>
  (...args) =>
    execFileSync('git', ['-c', 'user.name=agent', '-c', 'user.email=agent@example.org', ...args], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        HOME: '/nonexistent',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
      },
      encoding: 'utf8',
      stdio: 'pipe',
    }).trimEnd();

/** Makes a repository with files and one commit of them. */
export async function repositoryWith(
  folder: string,
  files: Readonly<Record<string, string | Buffer>>,
): Promise<AgentGit> {
  await mkdir(folder, { recursive: true });
  const run = agentGit(folder);
  run('init', '-q', '-b', 'main', '.');
  await writeAll(folder, files);
  run('add', '-A', '-f', '.');
  run('commit', '-q', '--allow-empty', '-m', 'first');
  return run;
}

/** Writes files below a folder. */
export async function writeAll(
  folder: string,
  files: Readonly<Record<string, string | Buffer>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}
