import { safeId, titleOf } from './entry-names.js';
import { recordAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';

/** What the lines of a conversation say about it as a whole. The first line that says something stands, but for titles. */
export class ConversationFacts {
  cwd?: string | undefined;
  gitBranch?: string | undefined;
  agentVersion?: string | undefined;
  model?: string | undefined;
  firstPrompt?: string | undefined;
  firstCommand?: string | undefined;
  readonly sessionIds: string[] = [];
  #customTitle: string | undefined;
  #aiTitle: string | undefined;
  #forkedFrom: string | undefined;
  #forkPoint: string | undefined;
  readonly #summaries: { readonly title: string; readonly leaf: string }[] = [];

  read(line: JsonRecord): void {
    const sessionId = textAt(line, 'sessionId') ?? textAt(line, 'session_id');
    if (sessionId && !this.sessionIds.includes(sessionId) && this.sessionIds.length < 50)
      this.sessionIds.push(sessionId);
    this.cwd ??= textAt(line, 'cwd') || undefined;
    this.gitBranch ??= branchOf(line);
    this.agentVersion ??= textAt(line, 'version') ?? textAt(line, 'claude_code_version');
  }

  /** Reads a line that is about the title alone. */
  readTitle(line: JsonRecord): void {
    this.#customTitle = textAt(line, 'customTitle') || this.#customTitle;
    this.#aiTitle = textAt(line, 'aiTitle') || this.#aiTitle;
    const summary = textAt(line, 'summary');
    if (summary) this.#summaries.push({ title: summary, leaf: textAt(line, 'leafUuid') ?? '' });
  }

  /** Reads the first line of an entry: in a forked file it names the line that it was copied from. */
  readFork(line: JsonRecord): void {
    const source = recordAt(line, 'forkedFrom');
    if (!source) return;
    this.#forkedFrom ??= textAt(source, 'sessionId');
    this.#forkPoint = textAt(source, 'messageUuid') ?? this.#forkPoint;
  }

  /** @param isLine says whether an id is one of the file's lines: summaries of other conversations stand in it too. */
  title(isLine: (id: string) => boolean): string | undefined {
    const summary = this.#summaries.findLast(({ leaf }) => isLine(leaf))?.title;
    const title = this.#customTitle ?? summary ?? this.#aiTitle ?? this.firstPrompt ?? this.firstCommand;
    return title === undefined ? undefined : titleOf(title) || undefined;
  }

  /** The session's own id: the one that the file is named after, else the first. */
  sessionId(fileStem: string): string {
    return safeId(this.sessionIds.includes(fileStem) ? fileStem : (this.sessionIds[0] ?? fileStem));
  }

  /** Where the conversation came from; lines under an earlier id at its beginning mean that it was resumed. */
  forkedFrom(ownId: string): { readonly sessionId?: string; readonly sourceId?: string } | undefined {
    const first = this.sessionIds[0];
    const sessionId =
      this.#forkedFrom ?? (first !== undefined && safeId(first) !== ownId ? first : undefined);
    if (sessionId === undefined) return undefined;
    return { sessionId: safeId(sessionId), ...(this.#forkPoint && { sourceId: safeId(this.#forkPoint) }) };
  }
}

/** Detached heads and folders without git are written as `HEAD` and an empty string. */
function branchOf(line: JsonRecord): string | undefined {
  const branch = textAt(line, 'gitBranch');
  return branch === '' || branch === 'HEAD' ? undefined : branch;
}
