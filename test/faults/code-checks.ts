import { existsSync, readdirSync, readFileSync, lstatSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runningProcess } from '#libs/processes/running-process.js';
import { differences, filesIn, filesOf, gitOn, unreadable, type Files } from './code-folder.js';
import type { CodeHistory, LoggedCheckpoint } from './code-history.js';
import type { Ledger } from './ledger.js';

/** A task's folder on a daemon's disk, and the repository beside it. */
export interface Place {
  readonly folder: string;
  readonly shadow: string;
}

/** The folder holds the tree that the task's code is at. */
export function checkFolder({ taskId, code }: CodeHistory, { folder, shadow }: Place): readonly string[] {
  if (!code) return [];
  if (commitOf(shadow, code.commitSha) === null)
    return [`${taskId} is at ${code.checkpointId}, and ${shadow} has not got it`];
  return differences(filesIn(folder), filesOf(shadow, code.commitSha)).map(
    (difference) => `the folder of ${taskId} is not at ${code.checkpointId}: ${difference}`,
  );
}

/** The conversation that the server shows is the one that the log comes to. */
export function checkShown(history: CodeHistory, messages: readonly string[]): readonly string[] {
  const expected = history.shown.join();
  if (messages.join() === expected) return [];
  return [`${history.taskId} shows ${messages.join()}, and its events come to ${expected}`];
}

/** What a daemon kept by a name, in rewinds that it brought to their end, is there under it. */
export function checkPreserved(
  history: CodeHistory,
  daemon: string,
  { folder, shadow }: Place,
): readonly string[] {
  return [...history.rewinds.values()].flatMap(
    ({ rewindId, phase, mode, target, daemonId, before, branchName }) => {
      if (phase !== 'completed' || !before || !target || daemonId !== daemon) return [];
      const missing = `what rewind ${rewindId} replaced is not there as ${mode}`;
      if (mode === 'stash')
        return commitOf(shadow, `refs/makima/stash/${rewindId}`) === before.commitSha ? [] : [missing];
      const git = join(folder, '.git');
      if (mode !== 'create_branch' || !existsSync(git)) return [];
      const branch = `refs/heads/${branchName ?? `makima/before-${rewindId.slice(0, 8)}`}`;
      return commitOf(git, branch) === null
        ? [missing]
        : differences(filesOf(git, branch), filesOf(shadow, before.commitSha));
    },
  );
}

function commitOf(gitDir: string, ref: string): string | null {
  try {
    return gitOn(gitDir, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`])
      .toString()
      .trim();
  } catch {
    return null;
  }
}

/** What checkpoints held when they were first seen, and must hold for ever. */
export class Kept {
  readonly #files = new Map<string, { readonly checkpoint: LoggedCheckpoint; readonly files: Files }>();

  get count(): number {
    return this.#files.size;
  }

  all(): readonly { readonly checkpoint: LoggedCheckpoint; readonly files: Files }[] {
    return [...this.#files.values()];
  }

  /** Takes down what new ones hold; what they hold must have been written by somebody. @returns the new ones */
  see(
    checkpoints: Iterable<LoggedCheckpoint>,
    hub: string,
    { written }: Pick<Ledger, 'written'>,
  ): { readonly fresh: readonly LoggedCheckpoint[]; readonly findings: readonly string[] } {
    const fresh: LoggedCheckpoint[] = [];
    const findings: string[] = [];
    for (const checkpoint of checkpoints) {
      if (this.#files.has(checkpoint.checkpointId)) continue;
      const files = filesOf(hub, checkpoint.commitSha);
      this.#files.set(checkpoint.checkpointId, { checkpoint, files });
      fresh.push(checkpoint);
      for (const [path, file] of files)
        if (!written.has(idOf(file)))
          findings.push(`${checkpoint.checkpointId} holds ${path}, which nobody wrote`);
    }
    return { fresh, findings };
  }

  filesAt({ checkpointId }: LoggedCheckpoint): Files {
    return this.#files.get(checkpointId)?.files ?? new Map();
  }

  /** Whether a hub still has everything, byte for byte. */
  check(hubOf: (checkpoint: LoggedCheckpoint) => string): readonly string[] {
    const byHub = new Map<string, Set<string>>();
    const findings: string[] = [];
    for (const { checkpoint, files } of this.#files.values()) {
      const hub = hubOf(checkpoint);
      if (commitOf(hub, checkpoint.commitSha) === null) {
        findings.push(`checkpoint ${checkpoint.checkpointId} is gone from the hub`);
        continue;
      }
      findings.push(...differences(filesOf(hub, checkpoint.commitSha), files));
      const ids = byHub.get(hub) ?? new Set();
      byHub.set(hub, ids);
      for (const file of files.values()) ids.add(idOf(file));
    }
    for (const [hub, ids] of byHub)
      findings.push(...unreadable(hub, [...ids]).map((id) => `blob ${id} cannot be read from the hub`));
    return findings;
  }
}

export const idOf = (file: string): string => file.split(' ')[1] ?? '';

/** What agents had made when they ended by themselves is in a checkpoint; nothing that they said is lost, or there twice. */
export function checkRuns(
  history: CodeHistory,
  runs: readonly string[],
  ledger: Ledger,
  kept: Kept,
): readonly string[] {
  const findings: string[] = [];
  for (const run of runs) {
    const said = history.output
      .filter((line) => line.startsWith(`${run} `))
      .map((line) => Number(line.split(' ')[1]));
    // What was printed and not told is at the end: nothing in between is left out.
    if (said.some((number, index) => number !== index + 1))
      findings.push(`of run ${run} was recorded: ${said.join()}`);
  }
  for (const run of runs.filter((_, index) => history.completed.includes(index + 1))) {
    const { said, files } = ledger.run(run);
    const recorded = history.output.filter((line) => line.startsWith(`${run} `)).length;
    if (recorded !== said) findings.push(`run ${run} printed ${said} lines, and ${recorded} are recorded`);
    const isKept = [...history.checkpoints.values()].some((one) => sameContent(kept.filesAt(one), files));
    if (!files || !isKept) findings.push(`what run ${run} left is in no checkpoint`);
  }
  return findings;
}

const sameContent = (files: Files, expected: Readonly<Record<string, string>> | undefined): boolean =>
  expected !== undefined &&
  files.size === Object.keys(expected).length &&
  [...files].every(([path, file]) => expected[path] === idOf(file));

/** Files that somebody leaves behind who is killed, below a folder. */
export function checkLeftFiles(...roots: readonly string[]): readonly string[] {
  const left: string[] = [];
  const look = (path: string): void => {
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (!status) return;
    if (isLeft(path)) left.push(`left behind: ${path}`);
    else if (status.isDirectory()) for (const name of readdirSync(path)) look(join(path, name));
  };
  for (const root of roots) look(root);
  return left;
}

const LEFT = [
  ...[
    /\.lock$/,
    /^tmp_(obj|pack|idx|rev)_/,
    /^\.tmp-/,
    /\.making$/,
    /^overlay-index/,
    /^(ignored|capture|scratch)-/,
  ],
  ...[/\.new$/, /^incoming-/],
];

function isLeft(path: string): boolean {
  const name = basename(path);
  // The lock of a makima that runs.
  if (name === 'makima.lock') return false;
  if (LEFT.some((pattern) => pattern.test(name))) return true;
  if (!name.startsWith('pack-') || !name.endsWith('.pack')) return /\/incoming\/./.test(path);
  return !existsSync(path.replace(/pack$/, 'idx'));
}

/** Refs that are not one of those that stay. */
export function checkRefs(gitDir: string): readonly string[] {
  const refs = gitOn(gitDir, ['for-each-ref', '--format=%(refname)']).toString().split('\n').filter(Boolean);
  return refs
    .filter((ref) => !/^refs\/(heads\/|makima\/(checkpoints|stash|heads|halfway|branches)\/)/.test(ref))
    .map((ref) => `${gitDir} has the ref ${ref}`);
}

/** Processes that work below a folder and are none of those that should run. */
export function checkProcesses(folder: string, expected: readonly number[]): readonly string[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isSafeInteger(pid) && pid !== process.pid && !expected.includes(pid))
    .filter((pid) =>
      [`/proc/${pid}/environ`, `/proc/${pid}/cmdline`].some((path) => textOf(path).includes(folder)),
    )
    .flatMap((pid) => {
      const found = runningProcess(pid);
      return found ? [`still runs: ${pid} ${found.commandLine}`] : [];
    });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
}

/** Collects all that a repository does not keep, as `git gc --prune=now` after a month would. */
export function collect(gitDir: string): void {
  gitOn(gitDir, ['reflog', 'expire', '--expire=now', '--expire-unreachable=now', '--all']);
  gitOn(gitDir, ['-c', 'gc.pruneExpire=now', 'gc', '--prune=now', '--quiet']);
}

/** A shadow has every checkpoint whole that it had, after all was collected in it and in the folder's own repository. */
export function checkCollected({ folder, shadow }: Place): readonly string[] {
  const listed = (): readonly string[] =>
    gitOn(shadow, ['for-each-ref', '--format=%(refname)', 'refs/makima'])
      .toString()
      .split('\n')
      .filter(Boolean);
  const before = listed();
  try {
    if (existsSync(join(folder, '.git'))) collect(join(folder, '.git'));
    collect(shadow);
  } catch (error) {
    return [`nothing can be collected in ${shadow}: ${String(error)}`];
  }
  const after = new Set(listed());
  return [
    ...before.filter((ref) => !after.has(ref)).map((ref) => `${ref} is gone from ${shadow}`),
    ...[...after].filter((ref) => !isWhole(shadow, ref)).map((ref) => `${ref} is not whole in ${shadow}`),
  ];
}

function isWhole(gitDir: string, ref: string): boolean {
  try {
    gitOn(gitDir, ['rev-list', '--objects', '--quiet', ref]);
    return true;
  } catch {
    return false;
  }
}
