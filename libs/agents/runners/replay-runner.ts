import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { readTranscripts } from '../transcripts/read-transcripts.js';
import type { Transcript, TranscriptFile, TranscriptSession } from '../transcripts/transcript.js';
import type { Happening, Outcome } from './happening.js';
import { LineCounts } from './line-counts.js';
import { Narrator } from './narrator.js';
import { statusOf } from './program-run.js';
import { stepsOf, type ReplayStep } from './replay-script.js';
import { ReplayTeller } from './replay-teller.js';
import {
  RunRefused,
  stopAfter,
  type AgentRunner,
  type RunningAgent,
  type RunRequest,
  type StopOptions,
} from './runner.js';
import { TaskFolder } from './task-folder.js';

export interface ReplayOptions {
  /** The recording: one transcript, with its sub-agents' files. */
  readonly files: readonly TranscriptFile[];
  /** Which of several conversations; default: the first. */
  readonly sessionId?: string;
  /** 0: at once (default). 1: as it was recorded. 10: ten times as fast. */
  readonly speed?: number;
  /** No pause is longer, in milliseconds. Default: 5,000. */
  readonly maxPauseMs?: number;
  /** The folder in which it was recorded, where the recording does not say (Gemini CLI mostly does not). */
  readonly recordedIn?: string;
}

/**
 * Plays a recorded transcript as if its agent ran again: no model is asked and no command is run, but every edit of a file
 * that was recorded as made is made again, in the folder, and its failure is a failed tool result. What shell commands
 * changed is not in a transcript and does not happen.
 * The conversation's id is `<session>#<entries played>`; resumed by it, a replay goes on after those.
 * It reads its files in this process: they are trusted to be of a size that fits.
 */
export const replayRunner = (options: ReplayOptions): AgentRunner => ({
  name: 'replay',
  start: async (request) => {
    request.signal?.throwIfAborted();
    const { transcript, main } = recordingOf(options);
    const isFolder = await stat(request.folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isFolder) throw new RunRefused(`The folder to work in does not exist: ${request.folder}`);
    const folder = await TaskFolder.at(request.folder, options.recordedIn ?? main.cwd);
    const narrator = new Narrator(request.runId);
    const steps = stepsOf(transcript, main);
    const first = firstStep(request, main, steps);
    const teller = new ReplayTeller(narrator, folder);
    for (const step of steps.slice(0, first)) teller.skip(step);
    return new ReplayRun(request, options, steps, first, narrator, teller);
  },
});

function recordingOf({ files, sessionId }: ReplayOptions): {
  transcript: Transcript;
  main: TranscriptSession;
} {
  const reasons: string[] = [];
  for (const read of readTranscripts(files)) {
    if (read.kind === 'refused') reasons.push(`${read.name}: ${read.reason}`);
    else {
      const { sessions } = read.transcript;
      const main = sessions.find((session) =>
        sessionId ? session.sessionId === sessionId : !session.parent,
      );
      if (main) return { transcript: read.transcript, main };
      reasons.push(`${read.files.join(', ')}: ${sessionId ? 'another conversation' : 'sub-agents alone'}`);
    }
  }
  throw new RunRefused(`There is nothing to replay. ${reasons.join('; ').slice(0, 2_000)}`);
}

const PLAYED = /^(.*)#(\d+)$/s;

function firstStep({ resume }: RunRequest, main: TranscriptSession, steps: readonly ReplayStep[]): number {
  if (!resume) return 0;
  const [, session, played] = PLAYED.exec(resume.conversationId) ?? [];
  if (session !== main.sessionId || Number(played) > steps.length) {
    throw new RunRefused('The conversation to resume is no replay of this recording.');
  }
  return Number(played);
}

const DEFAULT_PAUSE_MS = 5_000;

class ReplayRun implements RunningAgent {
  readonly pid = undefined;
  readonly #stopping = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #counts = new LineCounts();
  #stopped: string | undefined;
  #hasEnded = false;
  /** The step that is being played: when it is stopped, a call's edits are made whole or not at all. */
  #working: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly request: RunRequest,
    private readonly options: ReplayOptions,
    private readonly steps: readonly ReplayStep[],
    private next: number,
    private readonly narrator: Narrator,
    private readonly teller: ReplayTeller,
  ) {
    const { signal, limits } = request;
    this.#timer = stopAfter(limits?.timeoutMs, this);
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted) this.#onAbort();
  }

  get conversationId(): string {
    return `${this.steps[0]?.session.sessionId ?? ''}#${this.next}`;
  }

  say(): boolean {
    return false;
  }

  hangUp(): void {
    // It listens to nobody anyway.
  }

  async stop({ reason = 'It was stopped.' }: StopOptions = {}): Promise<void> {
    if (!this.#hasEnded) this.#stopped ??= reason;
    this.#stopping.abort();
    await this.#working;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Happening, void, undefined> {
    try {
      yield this.narrator.tell('start', { kind: 'status', status: 'running' });
      yield* this.#play();
      yield this.#end(
        this.#stopped === undefined ? { as: 'completed' } : { as: 'stopped', reason: this.#stopped },
      );
    } catch (error) {
      // Nothing that a recording holds should do this; whoever reads still learns how it ended.
      const reason = `The replay broke off: ${String(error)}`;
      yield this.#end({ as: 'crashed', stderr: '', reason });
    } finally {
      this.#hasEnded = true;
      clearTimeout(this.#timer);
      this.request.signal?.removeEventListener('abort', this.#onAbort);
    }
  }

  async *#play(): AsyncGenerator<Happening, void, undefined> {
    for (let step = this.#take(); step; step = this.#take()) {
      await this.#pause(step);
      if (this.#stopped !== undefined) return;
      const playing = this.teller.tell(step);
      this.#working = playing.catch(() => undefined);
      const { told, fate } = await playing;
      this.#counts.count(fate);
      this.next += 1;
      yield told;
    }
  }

  readonly #onAbort = (): void => void this.stop({ reason: 'It was called off.' });

  #take(): ReplayStep | undefined {
    return this.#stopped === undefined ? this.steps[this.next] : undefined;
  }

  /** As long as the recording paused before this, at the chosen speed. */
  async #pause({ entry }: ReplayStep): Promise<void> {
    const { speed = 0, maxPauseMs = DEFAULT_PAUSE_MS } = this.options;
    const before = this.steps[this.next - 1]?.entry;
    if (speed <= 0 || !before) return;
    const recorded = Date.parse(entry.occurredAt) - Date.parse(before.occurredAt);
    const pause = Math.min(maxPauseMs, recorded / speed);
    // Lines are not always in the order of their times.
    if (pause > 0) await sleep(pause, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  #end(outcome: Outcome): Happening {
    this.#hasEnded = true;
    return this.narrator.tell('end', {
      kind: 'end',
      ...statusOf(outcome),
      outcome,
      ...this.teller.spent,
      conversationId: this.conversationId,
      lines: this.#counts.totals(),
    });
  }
}
