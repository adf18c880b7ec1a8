import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A shell command that shows its input page by page, and the environment to run it in. */
export interface PagerCommand {
  readonly command: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The user's pager: MAKIMA_PAGER, else PAGER, else `less -R`. None for `cat` or an empty name. */
export function pagerFrom(env: NodeJS.ProcessEnv): PagerCommand | undefined {
  const command = (env.MAKIMA_PAGER ?? env.PAGER ?? 'less -R').trim();
  if (command === '' || command === 'cat') return undefined;
  // F: no paging if it fits; R: colours; X: leave the text on the screen. The same choice as git's.
  return { command, env: { ...env, LESS: env.LESS ?? 'FRX', LESSCHARSET: env.LESSCHARSET ?? 'utf-8' } };
}

/** Shows text in a pager and waits until the reader has left it. False if the pager could not be started. */
export async function page(chunks: Iterable<string>, { command, env }: PagerCommand): Promise<boolean> {
  const child = spawn('sh', ['-c', command], { stdio: ['pipe', 'inherit', 'inherit'], env });
  // Ctrl-C belongs to the pager while it runs, and to nobody else.
  const others = process.listeners('SIGINT');
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  for (const other of others) process.off('SIGINT', other);
  const ended = new Promise<number>((resolve) => {
    child.on('error', () => resolve(127));
    child.on('close', (code) => resolve(code ?? 0));
  });
  try {
    // Leaving the pager before the end closes the pipe: not an error.
    await pipeline(Readable.from(chunks), child.stdin).catch(() => undefined);
    const code = await ended;
    return code !== 126 && code !== 127;
  } finally {
    for (const other of others) process.on('SIGINT', other);
    process.off('SIGINT', ignore);
  }
}
