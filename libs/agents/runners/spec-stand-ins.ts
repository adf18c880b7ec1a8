/** For specs: programs that write what a spec tells them to, and what their runs tell. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { newId } from '#libs/kernel/ids.js';
import type { EndHappening, Happening, HappeningKind } from './happening.js';
import type { RunningAgent, RunRequest } from './runner.js';

const STAND_IN = fileURLToPath(new URL('./samples/stand-in.mjs', import.meta.url));

/** A step of samples/stand-in.mjs. */
export type Step = Readonly<Record<string, unknown>>;

/** A folder of its own for a spec file; removed after it. */
export class ScratchFolder {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'makima-runners-')));
  #programs = 0;
  #folders = 0;
  readonly #agents: RunningAgent[] = [];

  file(name: string): string {
    return join(this.path, name);
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  /** An executable that does some steps. */
  program(...steps: readonly Step[]): string {
    const name = `stand-in-${(this.#programs += 1)}`;
    const script = this.file(`${name}.json`);
    writeFileSync(script, JSON.stringify(steps));
    const path = this.file(name);
    writeFileSync(
      path,
      `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(STAND_IN)} ${quoted(script)} "$@"\n`,
    );
    chmodSync(path, 0o755);
    return path;
  }

  /** A folder of its own in it, with some files. */
  folder(files: Readonly<Record<string, string>> = {}): string {
    const folder = this.file(`folder-${(this.#folders += 1)}`);
    mkdirSync(folder);
    for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
    return folder;
  }

  request(more: Partial<RunRequest> = {}): RunRequest {
    return { runId: newId(), folder: this.path, prompt: 'Do it.', ...more };
  }

  /** Remembers an agent, so that none outlives its spec, whatever fails in between. */
  async started(starting: Promise<RunningAgent>): Promise<RunningAgent> {
    const agent = await starting;
    this.#agents.push(agent);
    return agent;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop({ graceMs: 0 })));
    rmSync(this.path, { recursive: true, force: true });
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export async function allOf(agent: RunningAgent): Promise<readonly Happening[]> {
  const told: Happening[] = [];
  for await (const happening of agent) told.push(happening);
  return told;
}

/** Everything up to the first that is looked for, from a reader that goes on. */
export async function readUntil(
  reader: AsyncIterator<Happening>,
  isWanted: (happening: Happening) => boolean,
): Promise<readonly Happening[]> {
  const told: Happening[] = [];
  for (;;) {
    const next = await reader.next();
    if (next.done) throw new Error(`The run ended first: ${JSON.stringify(told.at(-1))}`);
    told.push(next.value);
    if (isWanted(next.value)) return told;
  }
}

export function ofKind<Kind extends HappeningKind>(
  told: readonly Happening[],
  kind: Kind,
): readonly Extract<Happening, { readonly kind: Kind }>[] {
  return told.filter((each): each is Extract<Happening, { readonly kind: Kind }> => each.kind === kind);
}

/** The end, which must be there once and last. */
export function endOf(told: readonly Happening[]): EndHappening {
  const last = told.at(-1);
  if (last?.kind !== 'end' || ofKind(told, 'end').length !== 1)
    throw new Error('The end is not told once and last.');
  return last;
}

export const outputsOf = (told: readonly Happening[], channel = 'stdout'): readonly string[] =>
  ofKind(told, 'output').flatMap((output) => (output.channel === channel ? [output.content] : []));

/** Whether a process lives; one that is dead and not yet buried does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return process.platform !== 'linux';
  return !/^\d+ \(.*\) Z/s.test(readFileSync(stat, 'utf8'));
}

/** Waits until a number does not grow any more, and returns it. */
export async function settled(number: () => number): Promise<number> {
  for (let before = -1; ;) {
    const now = number();
    if (now === before) return now;
    before = now;
    await sleep(1_000);
  }
}

/** Waits until something holds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !holds(); tries += 1) {
    if (tries > 3_000) throw new Error(`Never came: ${what}`);
    await sleep(10);
  }
}
