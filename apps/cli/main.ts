import { EXIT } from '#libs/client/exit-codes.js';
import type { Host } from './cli.js';
import { runCli } from './run.js';

/** How long a command may take to end after Ctrl-C, in milliseconds. */
const PATIENCE_MS = 3_000;

/** Runs the command line of this process. Called by makima.mjs. */
export async function main(version: string): Promise<void> {
  const interrupted = new AbortController();
  process.on('SIGINT', () => {
    // The second time nothing is waited for.
    if (interrupted.signal.aborted) process.exit(EXIT.interrupted);
    interrupted.abort();
    setTimeout(() => process.exit(EXIT.interrupted), PATIENCE_MS).unref();
  });
  const { env, stdin, stdout, stderr } = process;
  const code = await runCli(process.argv.slice(2), {
    env,
    stdin,
    stdout,
    stderr,
    version,
    signal: interrupted.signal,
    now: () => new Date(),
    become,
  });
  await Promise.all([written(stdout), written(stderr)]);
  // Connections that are kept for a next request would keep the process, too.
  process.exit(code);
}

/** Resolves when everything has been written, or nobody reads it any more. */
const written = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    if (stream.destroyed || stream.errored) resolve();
    else stream.write('', () => resolve());
  });

/** From here on signals and the exit code are the other program's. */
const become: Host['become'] = async (program, settings, endsWithInput) => {
  process.removeAllListeners('SIGINT');
  // It may end by having nothing left to do; waiting for it must not look like a failure then.
  process.once('beforeExit', () => process.exit());
  if (endsWithInput) process.stdin.resume().once('close', () => process.kill(process.pid, 'SIGTERM'));
  Object.assign(process.env, settings);
  await import(new URL(`../${program}/main.js`, import.meta.url).href);
  return new Promise<never>(() => undefined);
};
