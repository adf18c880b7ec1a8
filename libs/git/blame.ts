import { StringDecoder } from 'node:string_decoder';
import { git, isObjectId, type GitPlace } from './git.js';
import type { PathBytes } from './path-bytes.js';

/** A line of a file, and the commit that brought it. */
export interface BlamedLine {
  /** From 1. */
  readonly line: number;
  /** Without its end; what is no UTF-8 as U+FFFD. Of more than 10,000 bytes the beginning. */
  readonly text: string;
  readonly commit: string;
  /** Where that commit has the file. */
  readonly path: PathBytes;
}

export interface Blamed {
  readonly commit: string;
  /** A file of the commit. */
  readonly path: PathBytes;
  /** Where to stop, of the commit's first parents: what is older counts as this one's; null: nowhere. */
  readonly since: string | null;
  /** Which lines (both inclusive); the second may lie behind the last one. */
  readonly lines: readonly [from: number, to: number];
}

const MOST_LINE_BYTES = 10_000;
const MOST_MS = 60_000;

/** A commit, its parent, and the parent's first parent, and so on, the commit first. @throws GitFailed */
export async function firstParents(
  place: GitPlace,
  commit: string,
  most: number,
): Promise<readonly string[]> {
  if (!isObjectId(commit)) throw new TypeError(`not an object id: ${commit}`);
  const answer = await git(place, ['rev-list', '--first-parent', `--max-count=${most}`, commit]);
  return answer.toString('latin1').split('\n').slice(0, -1);
}

/**
 * Which commits brought the lines of a file, going back by first parents; a file that was moved is followed.
 * @throws GitFailed, if the file has fewer lines.
 */
export async function blameOf(
  place: GitPlace,
  { commit, path, since, lines: [from, to] }: Blamed,
): Promise<readonly BlamedLine[]> {
  const ids = [commit, ...(since === null ? [] : [since])];
  if (!ids.every(isObjectId)) throw new TypeError(`not object ids: ${ids.join(' ')}`);
  const range = since === null ? commit : `${since}..${commit}`;
  const file = Buffer.from(path, 'latin1').toString('utf8');
  const args = ['blame', '--first-parent', '--line-porcelain', '--no-textconv', `-L${from},${to}`];
  const answer = await git(place, [...args, range, '--', file], { timeoutMs: MOST_MS });
  return linesIn(answer.toString('latin1'));
}

/** Reads what `--line-porcelain` writes, one character a byte: of each line a head, facts, and its text after a tab. */
function linesIn(answer: string): readonly BlamedLine[] {
  const lines: BlamedLine[] = [];
  let head: readonly string[] | null = null;
  let path = '';
  for (const text of answer.split('\n')) {
    if (head === null) head = text.split(' ');
    else if (text.startsWith('filename ')) path = unquoted(text.slice('filename '.length));
    else if (text.startsWith('\t')) {
      lines.push({ line: Number(head[2]), text: shownText(text.slice(1)), commit: head[0]!, path });
      head = null;
    }
  }
  return lines;
}

function shownText(line: string): string {
  const bytes = Buffer.from(line.slice(0, MOST_LINE_BYTES), 'latin1');
  // Half a character at the cut would be shown as a strange one.
  return line.length > MOST_LINE_BYTES ? new StringDecoder('utf8').write(bytes) : bytes.toString('utf8');
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  t: '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
};

/** A path that git has put into quotes, as C has them. */
const unquoted = (path: string): PathBytes =>
  path.startsWith('"')
    ? path
        .slice(1, -1)
        .replace(/\\(?:([0-7]{3})|(.))/g, (_, octal: string | undefined, sign: string) =>
          octal === undefined ? (ESCAPES[sign] ?? sign) : String.fromCharCode(parseInt(octal, 8)),
        )
    : path;
