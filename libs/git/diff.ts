import { StringDecoder } from 'node:string_decoder';
import { rawChanges, type TreeChange } from './changes.js';
import { startGit, type GitPlace } from './git.js';
import { Turns } from './turns.js';

export interface DiffLine {
  readonly kind: 'context' | 'added' | 'deleted';
  /** Without its end; what is no UTF-8 as U+FFFD. Of a line of more than 10,000 bytes the beginning. */
  readonly text: string;
  /** Whether the file ends here without a newline. */
  readonly noNewline?: true;
}

/** Lines that changed, with three around them; numbers count from 1. */
export interface DiffHunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  /** The line of the function that it is in, as git guesses it. */
  readonly heading: string;
  readonly lines: readonly DiffLine[];
}

export interface FileDiff extends TreeChange {
  readonly additions: number;
  readonly deletions: number;
  /** Whether it is no text, so that it has no hunks. */
  readonly binary: boolean;
  /** Whether lines were left out: of those that differ the first 20,000 or 5 MB are given, and of each the beginning. */
  readonly cut: boolean;
  readonly hunks: readonly DiffHunk[];
}

export interface DiffOptions {
  /** Lines around what changed (default 3). */
  readonly context?: number;
  readonly signal?: AbortSignal;
}

/** A diff takes several times the bytes of its largest file. */
const DIFFS = new Turns(4);
/** Milliseconds: whoever reads so slowly has others wait. */
const MOST_MS = 600_000;

/** What a file's difference holds at most: many files are as long as they are generated. */
const [MOST_LINES, MOST_LINE_BYTES, MOST_BYTES] = [20_000, 10_000, 5_000_000];

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/;
const KINDS: Readonly<Record<string, DiffLine['kind']>> = { ' ': 'context', '+': 'added', '-': 'deleted' };

/**
 * The difference of two trees, file by file, while git is still at the next ones.
 * @throws GitFailed
 */
export async function* diffOf(
  place: GitPlace,
  from: string,
  to: string,
  { context = 3, signal }: DiffOptions = {},
): AsyncGenerator<FileDiff, void, undefined> {
  if (from === to) return;
  const reader = new DiffReader();
  for await (const text of outputOf(place, diffArguments(from, to, context), signal))
    yield* reader.read(text);
  yield* reader.end();
}

const diffArguments = (from: string, to: string, context: number): readonly string[] => [
  'diff-tree',
  '-r',
  '-M',
  '-z',
  '--raw',
  '-p',
  '--full-index',
  '--no-prefix',
  '--no-color',
  '--no-ext-diff',
  '--no-textconv',
  `-U${context}`,
  from,
  to,
];

async function* outputOf(
  place: GitPlace,
  args: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const end = await DIFFS.take(signal);
  const running = startGit(place, args);
  const stop = (): void => running.stop('nobody reads it any more');
  const timer = setTimeout(() => running.stop(`it took longer than ${MOST_MS} ms`), MOST_MS);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    running.stdin.end();
    running.stdout.setEncoding('latin1');
    yield* running.stdout as AsyncIterable<string>;
    await running.ended;
  } finally {
    signal?.removeEventListener('abort', stop);
    clearTimeout(timer);
    stop();
    end();
  }
}

/** Reads what `diff-tree -z --raw -p` writes, one character a byte, piece by piece. */
class DiffReader {
  /** Null while the list of changes, which comes first, is not complete. */
  #changes: readonly TreeChange[] | null = null;
  #next = 0;
  /** Of the line that is not complete: pieces, so that a long one is not copied with each. */
  #rest: string[] = [];
  #file: FileBegun | null = null;

  *read(text: string): Generator<FileDiff> {
    let rest = text;
    if (!this.#changes) {
      const head = this.#rest.join('') + text;
      const end = head.indexOf('\0\0');
      this.#rest = end < 0 ? [head] : [];
      if (end < 0) return;
      this.#changes = rawChanges(head.slice(0, end + 1));
      rest = head.slice(end + 2);
    }
    const lines = rest.split('\n');
    const last = lines.pop()!;
    for (const line of lines) {
      const whole = this.#rest.length === 0 ? line : this.#rest.join('') + line;
      this.#rest = [];
      yield* this.#line(whole);
    }
    if (last !== '') this.#rest.push(last);
  }

  *end(): Generator<FileDiff> {
    if (this.#rest.length > 0) yield* this.#line(this.#rest.join(''));
    if (this.#file) yield this.#file.whole();
  }

  *#line(line: string): Generator<FileDiff> {
    if (this.#file?.takes(line)) return;
    if (!line.startsWith('diff --git ')) return this.#file?.heading(line);
    const former = this.#file;
    // What turned from a file into a link or back is in two parts: what went, and what came.
    if (former?.hasAnotherPart()) return;
    if (former) yield former.whole();
    this.#file = new FileBegun(this.#changes![this.#next]!);
    this.#next += 1;
  }
}

/** A file's difference while it is read. */
class FileBegun {
  readonly #hunks: { readonly head: Omit<DiffHunk, 'lines'>; readonly lines: DiffLine[] }[] = [];
  #additions = 0;
  #deletions = 0;
  #binary = false;
  #lines = 0;
  #bytes = 0;
  #cut = false;
  /** Nothing more is kept of it. */
  #isEnough = false;
  /** Lines of the hunk at hand that are still to come. */
  #old = 0;
  #new = 0;
  #parts = 1;

  constructor(private readonly change: TreeChange) {}

  /** Whether a line is one of the hunk at hand, which is then read. */
  takes(line: string): boolean {
    const lines = this.#hunks.at(-1)?.lines;
    if (line.startsWith('\\') && lines) {
      const last = lines.at(-1);
      // Of a file that is cut the last line is not there.
      if (last && !this.#isEnough) lines[lines.length - 1] = { ...last, noNewline: true };
      return true;
    }
    if ((this.#old === 0 && this.#new === 0) || !lines) return false;
    const kind = KINDS[line[0]!] ?? 'context';
    this.#take(lines, kind, line);
    if (kind !== 'added') this.#old -= 1;
    if (kind !== 'deleted') this.#new -= 1;
    if (kind === 'added') this.#additions += 1;
    if (kind === 'deleted') this.#deletions += 1;
    return true;
  }

  #take(lines: DiffLine[], kind: DiffLine['kind'], line: string): void {
    this.#lines += 1;
    const isCut = line.length > MOST_LINE_BYTES;
    this.#isEnough ||= this.#lines > MOST_LINES || this.#bytes > MOST_BYTES;
    this.#cut ||= isCut || this.#isEnough;
    if (this.#isEnough) return;
    const bytes = Buffer.from(isCut ? line.slice(1, MOST_LINE_BYTES) : line.slice(1), 'latin1');
    this.#bytes += bytes.length;
    // Half a character at the cut would be shown as a strange one.
    const text = isCut ? new StringDecoder('utf8').write(bytes) : bytes.toString('utf8');
    lines.push({ kind, text });
  }

  /** A line that says something of the file, or begins a hunk. */
  heading(line: string): void {
    if (line.startsWith('Binary files ')) this.#binary = true;
    const found = HUNK.exec(line);
    if (!found) return;
    const [, oldStart, oldLines = '1', newStart, newLines = '1', heading = ''] = found;
    this.#old = Number(oldLines);
    this.#new = Number(newLines);
    const head = {
      oldStart: Number(oldStart),
      oldLines: this.#old,
      newStart: Number(newStart),
      newLines: this.#new,
      heading: Buffer.from(heading, 'latin1').toString('utf8'),
    };
    this.#hunks.push({ head, lines: [] });
  }

  hasAnotherPart(): boolean {
    const { oldMode, newMode } = this.change;
    const isAnotherKind =
      Number(oldMode) > 0 && Number(newMode) > 0 && oldMode.slice(0, 3) !== newMode.slice(0, 3);
    if (!isAnotherKind || this.#parts === 2) return false;
    this.#parts += 1;
    return true;
  }

  whole(): FileDiff {
    return {
      ...this.change,
      additions: this.#additions,
      deletions: this.#deletions,
      binary: this.#binary,
      cut: this.#cut,
      hunks: this.#hunks
        .filter(({ lines }) => lines.length > 0)
        .map(({ head, lines }) => ({ ...head, lines })),
    };
  }
}
