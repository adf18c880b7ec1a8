import { jsonText } from '#libs/agents/transcripts/json-fields.js';
import type { FileChange } from '../conversation/conversation.events.js';
import type { SaidBefore } from './said-before.js';
import { inShort, shortenedTo, tokensOf } from './token-estimate.js';

/** How much is remembered, however long a conversation is. */
const MOST = { users: 500, files: 2_000, failures: 50, open: 500 };
const CHARACTERS = { first: 20_000, user: 200, state: 2_000, call: 200, error: 200 };
/** What part of the room each section may take. */
const SHARE = { first: 0.3, summary: 0.2, users: 0.2, files: 0.1, failures: 0.1, state: 0.1 };

interface Failure {
  readonly name: string;
  readonly error: string;
  call: string;
}

/**
 * What older messages come to, made by rules and by no model: the first things that people asked, everything they asked in
 * short, an agent's own summary, files changed, calls that failed, and what was said last. It takes messages newest
 * first, and never holds more of them than it can say.
 */
export class OlderExtract {
  #count = 0;
  /** The two oldest, oldest first. */
  #first: readonly string[] = [];
  /** All of them in short, newest first. */
  readonly #users: string[] = [];
  #userCount = 0;
  #summary: string | null = null;
  #state: string | null = null;
  readonly #files = new Map<string, { readonly last: FileChange['action']; times: number }>();
  #unlistedFiles = 0;
  readonly #failures: Failure[] = [];
  #failureCount = 0;
  /** Failed calls whose message has not come yet. */
  readonly #open = new Map<string, Failure>();

  /** How many messages and results it stands for. */
  get count(): number {
    return this.#count;
  }

  add(said: SaidBefore): void {
    this.#count += 1;
    if (said.role === 'tool') this.#result(said);
    else if (said.origin === 'compaction') this.#summary ??= said.text.slice(0, CHARACTERS.first);
    else if (said.role === 'user' && (said.origin === null || said.origin === 'human')) this.#user(said.text);
    else if (said.role === 'assistant' && said.text.trim() !== '')
      this.#state ??= inShort(said.text, CHARACTERS.state);
    for (const call of said.toolCalls) {
      const failure = this.#open.get(`${said.place} ${call.id}`);
      if (failure) failure.call = inShort(jsonText(call.input).slice(0, 2_000), CHARACTERS.call);
    }
  }

  #user(text: string): void {
    this.#userCount += 1;
    this.#first = [text.slice(0, CHARACTERS.first), ...this.#first].slice(0, 2);
    if (this.#users.length < MOST.users) this.#users.push(inShort(text, CHARACTERS.user));
  }

  #result({ answers, isError, text, files, fileCount }: SaidBefore): void {
    this.#unlistedFiles += fileCount - files.length;
    for (const { path, action } of files) {
      const known = this.#files.get(path);
      if (known) known.times += 1;
      else if (this.#files.size < MOST.files) this.#files.set(path, { last: action, times: 1 });
      else this.#unlistedFiles += 1;
    }
    if (!isError || !answers) return;
    this.#failureCount += 1;
    if (this.#failures.length === MOST.failures) return;
    const failure = { name: answers.name, error: inShort(text, CHARACTERS.error), call: '' };
    this.#failures.push(failure);
    if (answers.place !== null && this.#open.size < MOST.open)
      this.#open.set(`${answers.place} ${answers.id}`, failure);
  }

  /** The extract in at most so many tokens; null where there is nothing to stand for. */
  text(room: number): string | null {
    if (this.#count === 0) return null;
    const head = `Extract of ${this.#count} older messages and tool results that are left out, made by rules from the record:`;
    const left = Math.max(room - tokensOf(head) - 10, 0);
    const share = (part: keyof typeof SHARE): number => Math.floor(left * SHARE[part]);
    const sections = [
      this.#firstAsked(share('first')),
      this.#summary === null
        ? ''
        : `\n# The agent's own summary of what came before it\n${shortenedTo(this.#summary, share('summary') - 20)}`,
      this.#asked(share('users')),
      listed('Files that tool calls changed', this.#fileLines(), share('files'), this.#unlistedFiles),
      listed(
        'Tool calls that failed, newest first',
        this.#failureLines(),
        share('failures'),
        this.#moreFailures,
      ),
      this.#state === null
        ? ''
        : `\n# What the agent said last of what is left out\n${shortenedTo(this.#state, share('state') - 20)}`,
    ];
    return shortenedTo([head, ...sections.filter((section) => section !== '')].join('\n'), room);
  }

  #firstAsked(room: number): string {
    if (this.#first.length === 0) return '';
    const each = Math.floor(room / this.#first.length) - 10;
    return ['\n# What was asked first', ...this.#first.map((text) => shortenedTo(text, each))].join('\n');
  }

  /** What was asked later, the newest that there is room for, oldest first. */
  #asked(room: number): string {
    const later = this.#userCount - this.#first.length;
    const known = this.#users.slice(0, later).map((line) => `- ${line}`);
    const { lines, rest } = fitting(known, room);
    if (later === 0) return '';
    const more = rest + later - known.length;
    const note = more === 0 ? [] : [`- (${more} before these)`];
    return ['\n# What was asked later, in short', ...note, ...lines.toReversed()].join('\n');
  }

  #fileLines(): readonly string[] {
    const words = { A: 'added', M: 'changed', D: 'deleted' };
    return [...this.#files].map(
      ([path, { last, times }]) =>
        `- ${inShort(path, 300)} (${words[last]}${times > 1 ? `, ${times} times` : ''})`,
    );
  }

  #failureLines(): readonly string[] {
    return this.#failures.map(({ name, call, error }) => `- ${inShort(name, 80)} ${call}: ${error}`);
  }

  get #moreFailures(): number {
    return this.#failureCount - this.#failures.length;
  }
}

function listed(title: string, all: readonly string[], room: number, unlisted: number): string {
  if (all.length + unlisted === 0) return '';
  const { lines, rest } = fitting(all, room);
  const more = rest + unlisted;
  return [`\n# ${title}`, ...lines, ...(more === 0 ? [] : [`- (and ${more} more)`])].join('\n');
}

/** The first lines that there is room for, with a title and a note. */
function fitting(
  all: readonly string[],
  room: number,
): { readonly lines: readonly string[]; readonly rest: number } {
  let left = room - 30;
  const end = all.findIndex((line) => {
    left -= tokensOf(line) + 1;
    return left < 0;
  });
  const lines = end < 0 ? all : all.slice(0, end);
  return { lines, rest: all.length - lines.length };
}
