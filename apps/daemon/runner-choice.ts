import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { claudeRunner } from '#libs/agents/runners/claude-runner.js';
import { codexRunner } from '#libs/agents/runners/codex-runner.js';
import { commandRunner } from '#libs/agents/runners/command-runner.js';
import { replayRunner } from '#libs/agents/runners/replay-runner.js';
import { RunRefused, type AgentRunner, type RunnerName } from '#libs/agents/runners/runner.js';
import type { RunnerChoice } from './protocol.js';
import { reasonIn } from './retry.js';

export const RUNNERS: readonly RunnerName[] = ['claude', 'codex', 'command', 'replay'];

export interface RunnerOptions {
  /** Runners that this daemon starts. */
  readonly allowed: readonly RunnerName[];
  /** Reads a blob of the server. */
  readonly blob: (sha256: string) => Promise<Buffer>;
}

/** The runner that a task wants. @throws RunRefused with a sentence for people */
export async function runnerFor(
  choice: RunnerChoice,
  { allowed, blob }: RunnerOptions,
): Promise<AgentRunner> {
  if (!allowed.includes(choice.name))
    throw new RunRefused(`This daemon does not run "${choice.name}", only ${allowed.join(', ')}.`);
  switch (choice.name) {
    case 'claude':
      return claudeRunner(optionsOf(choice));
    case 'codex':
      return codexRunner(optionsOf(choice));
    case 'command': {
      const [program, ...args] = choice.command;
      if (program === undefined) throw new RunRefused('The command to run is empty.');
      return commandRunner({ command: [program, ...args] });
    }
    case 'replay': {
      const files = [await recordingOf(choice.recording, blob)];
      return replayRunner({ files, ...(choice.speed === undefined ? {} : { speed: choice.speed }) });
    }
  }
}

const optionsOf = ({ program, model }: Extract<RunnerChoice, { name: 'claude' | 'codex' }>) => ({
  ...(program === undefined ? {} : { program }),
  ...(model === undefined ? {} : { model }),
});

async function recordingOf(
  recording: Extract<RunnerChoice, { name: 'replay' }>['recording'],
  blob: RunnerOptions['blob'],
) {
  if (typeof recording === 'object' && 'blob' in recording)
    return { name: `${recording.blob}.jsonl`, bytes: await blob(recording.blob) };
  const path = typeof recording === 'string' ? recording : recording.path;
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new RunRefused(`The recording cannot be read: ${reasonIn(error)}`);
  });
  return { name: basename(path), bytes };
}
