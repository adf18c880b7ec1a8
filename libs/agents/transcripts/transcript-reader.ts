import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { framesIn, type FilePlace, type ReaderAnswer, type ReaderRequest } from './reader-frames.js';
import type { Survey } from './transcript-shelf.js';
import type { Transcript, TranscriptEntry } from './transcript.js';

/** Reading took more memory or time than it may, or broke off. The message is a sentence for people. */
export class ReadingFailed extends Error {
  override readonly name = 'ReadingFailed';
}

/** What a reading process may take of memory and time. */
export interface ReaderLimits {
  /** Of what it makes of a file, which is about twice its size; the file itself comes on top. */
  readonly heapMb: number;
  /** A file that is read for longer is not worth waiting for; to this comes what its size takes. */
  readonly patienceMs: number;
}

// By the package's own name of the file, which is the built one whoever asks, from wherever.
const CODE = "import '#libs/agents/transcripts/reader-process.js'";
const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** A tenth of what is usual, on a machine that does other things too. */
const SLOWEST_BYTES_PER_MS = 5_000;

type Answer<Kind extends ReaderAnswer['kind']> = Extract<ReaderAnswer, { readonly kind: Kind }>;

/** A process that reads transcripts, and what it is asked. */
export class ReaderProcess {
  readonly #child: ChildProcess;
  readonly #answers: AsyncGenerator<ReaderAnswer, void, undefined>;
  readonly #ended: Promise<string | number | null>;
  #file = '';
  #isTooSlow = false;
  #patienceMs: number;

  /** @param onClosed is called when the process has ended. */
  constructor(
    descriptor: number,
    private readonly limits: ReaderLimits,
    private readonly signal: AbortSignal,
    onClosed: () => void,
  ) {
    const code = [`--max-old-space-size=${limits.heapMb}`, '--input-type=module', '--eval', CODE];
    // It gets none of our settings: a database's password is no business of what reads foreign files.
    this.#child = spawn(process.execPath, code, {
      cwd: FOLDER,
      env: {},
      stdio: [descriptor, 'pipe', 'ignore', 'pipe'],
    });
    this.#patienceMs = limits.patienceMs;
    this.#answers = framesIn(this.#child.stdout as Readable);
    this.#ended = new Promise<string | number | null>((resolve) => {
      this.#child.once('exit', (status, by) => resolve(by ?? status));
      this.#child.once('error', () => resolve(null));
    });
    void this.#ended.then(onClosed);
    // That it does not listen any more is told by the end of its answers.
    this.#child.stdio[3]?.on('error', () => undefined);
    signal.addEventListener('abort', this.close);
    if (signal.aborted) this.close();
  }

  /** Looks files through. @throws ReadingFailed */
  async survey(files: readonly FilePlace[]): Promise<Survey> {
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    this.#patienceMs = this.limits.patienceMs + bytes / SLOWEST_BYTES_PER_MS;
    this.#ask({ files: files.map(({ name, from, size }) => ({ name, from, size })) });
    return (await this.#answer('survey')).survey;
  }

  /** One of the transcripts that were found, by its index. @throws ReadingFailed */
  async take(index: number): Promise<Transcript> {
    this.#ask({ take: index });
    const { sessions, report } = await this.#answer('transcript');
    const entries = sessions.map((): TranscriptEntry[] => []);
    for (let next = await this.#next(); next.kind === 'entry'; next = await this.#next()) {
      entries[next.session]?.push(next.entry);
    }
    return { sessions: sessions.map((head, at) => ({ ...head, entries: entries[at] ?? [] })), report };
  }

  readonly close = (): void => {
    this.signal.removeEventListener('abort', this.close);
    this.#child.kill('SIGKILL');
  };

  #ask(request: ReaderRequest): void {
    const requests = this.#child.stdio[3];
    if (requests && 'write' in requests) requests.write(`${JSON.stringify(request)}\n`);
  }

  async #answer<Kind extends ReaderAnswer['kind']>(kind: Kind): Promise<Answer<Kind>> {
    const answer = await this.#next();
    if (answer.kind !== kind) throw new ReadingFailed(`The reading process answered out of turn.`);
    return answer as Answer<Kind>;
  }

  /** The next answer that is more than a sign of life. */
  async #next(): Promise<ReaderAnswer> {
    for (;;) {
      const { value, done } = await this.#withinPatience(this.#answers.next());
      if (done) throw await this.#failure();
      if (value.kind !== 'opens') return value;
      this.#file = value.name;
    }
  }

  async #withinPatience<Result>(answer: Promise<Result>): Promise<Result> {
    const timer = setTimeout(() => {
      this.#isTooSlow = true;
      this.#child.kill('SIGKILL');
    }, this.#patienceMs);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  async #failure(): Promise<Error> {
    const end = await this.#ended;
    if (this.signal.aborted) return this.signal.reason as Error;
    if (this.#isTooSlow) return new ReadingFailed(`${this.#file}: reading it takes too long.`);
    // How V8 ends when memory does not suffice.
    const isTooBig = end === 'SIGABRT' || end === 'SIGTRAP' || end === 134;
    return new ReadingFailed(
      isTooBig
        ? `${this.#file}: reading it takes more than ${this.limits.heapMb} MB of memory.`
        : `${this.#file}: reading it broke off (${end ?? 'it could not begin'}).`,
    );
  }
}
