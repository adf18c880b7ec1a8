import { connectionFrom } from '#libs/client/connection.js';
import { MakimaApi } from '#libs/client/makima-api.js';
import { Output, wantsColour, type OutputStream } from './terminal/output.js';
import { pagerFrom } from './terminal/pager.js';
import { Progress } from './terminal/progress.js';
import { canAsk, confirm, type PromptStreams } from './terminal/prompt.js';
import { line, span, wrapLine, type Line } from './terminal/styled.js';
import { safeJson } from './terminal/neutralise.js';
import { UsageError } from './usage-error.js';

export type Format = 'table' | 'json' | 'chat';

/** Everything that a command gets from outside, so that tests can put something else in its place. */
export interface Host extends PromptStreams {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: OutputStream;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  readonly now: () => Date;
  readonly version: string;
  /**
   * Lets another program of makima take this process over; nothing comes after it.
   * @param settings for its environment.
   * @param endsWithInput whether it is told to end when its standard input does.
   */
  readonly become: (
    program: 'daemon',
    settings: Readonly<Record<string, string>>,
    endsWithInput: boolean,
  ) => Promise<never>;
}

/** Options that every command takes. */
export interface CommonOptions {
  readonly format?: Format;
  readonly pager?: boolean;
  readonly color?: boolean;
  readonly owner?: string;
  readonly yes?: boolean;
  /** False with --no-input. */
  readonly input?: boolean;
}

/** What a command shows: one of these, by --format. */
export interface Shown {
  /** The whole answer, for --format json. */
  readonly json: unknown;
  readonly lines: () => readonly Line[];
  /** Set where there is nothing to show: what to say on stderr instead of a table of heads alone. */
  readonly empty?: string | false;
}

/** What commands work with: the API, the two outputs, somebody to ask. */
export class Cli {
  readonly out: Output;
  readonly err: Output;
  /** What is left to say on stderr when stdout is done, such as how to undo. */
  readonly #afterwards: Line[] = [];
  #options: CommonOptions = {};
  #url: string | undefined;
  /** Set while a live stream is followed: Ctrl-C is then how it is meant to end. */
  following = false;
  #api: MakimaApi | undefined;

  constructor(readonly host: Host) {
    this.out = new Output(host.stdout, wantsColour(host.stdout, host.env));
    this.err = new Output(host.stderr, wantsColour(host.stderr, host.env));
  }

  get signal(): AbortSignal {
    return this.host.signal;
  }

  get now(): Date {
    return this.host.now();
  }

  get env(): NodeJS.ProcessEnv {
    return this.#url === undefined ? this.host.env : { ...this.host.env, MAKIMA_URL: this.#url };
  }

  get format(): Format {
    return this.#options.format ?? 'table';
  }

  /** Columns to lay out for. */
  get width(): number {
    return this.out.width;
  }

  /** The server, found when it is first needed. */
  get api(): MakimaApi {
    this.#api ??= new MakimaApi({
      ...connectionFrom(this.env),
      signal: this.signal,
      userAgent: `makima-cli/${this.host.version}`,
      owner: this.#options.owner,
    });
    return this.#api;
  }

  /** Takes over what the command line says for every command. */
  use(options: CommonOptions): void {
    this.#options = options;
    if (options.color === false) this.out.colour = this.err.colour = false;
  }

  /** Speaks with the server at this address instead of the one that the environment names. */
  useServer(url: string | undefined): void {
    this.#url = url;
  }

  /** Prints what a command found, in the format that was asked for; long tables through the pager. */
  async show({ json, lines, empty }: Shown): Promise<void> {
    if (this.format === 'json') await this.json(json);
    else await this.#table(empty ? [] : lines(), empty);
    await this.finish();
  }

  /** Says what was left to say after the result. */
  async finish(): Promise<void> {
    // Not broken into lines, so that commands can be copied: that is left to the terminal.
    await this.err.lines(this.#afterwards.splice(0));
  }

  async #table(lines: readonly Line[], empty: string | false | undefined): Promise<void> {
    if (empty) return this.note(empty);
    const fitting = lines.flatMap((one) => wrapLine(one, this.width));
    await this.out.paged(fitting, this.#options.pager === false ? undefined : pagerFrom(this.env));
  }

  /** One JSON document, indented. */
  async json(value: unknown): Promise<void> {
    await this.out.raw(`${safeJson(value, 2)}\n`);
  }

  /** One line of NDJSON. */
  async jsonLine(value: unknown): Promise<void> {
    await this.out.raw(`${safeJson(value)}\n`);
  }

  /** Says something to the person at the terminal, on stderr. */
  async note(text: string | Line): Promise<void> {
    await this.err.lines([typeof text === 'string' ? line(span(text, 'dim')) : text]);
  }

  /** Notes to print after the result. */
  afterwards(...lines: readonly (string | Line)[]): void {
    this.#afterwards.push(...lines.map((one) => (typeof one === 'string' ? line(span(one, 'dim')) : one)));
  }

  progress(label: string): Progress {
    return new Progress(this.host.stderr, label);
  }

  /** Whether a person sits there who can be asked. */
  get interactive(): boolean {
    return this.#options.yes !== true && this.#options.input !== false && canAsk(this.host);
  }

  /** Asks on a terminal; goes ahead where nobody can be asked, or with --yes. For what can be undone. */
  async agreed(question: string): Promise<boolean> {
    return !this.interactive || confirm(this.host, question, this.signal);
  }

  /**
   * Asks on a terminal. For what cannot be undone.
   * @throws UsageError where nobody can be asked, unless --yes was given.
   */
  async insistOn(question: string): Promise<boolean> {
    if (this.#options.yes === true) return true;
    if (this.interactive) return confirm(this.host, question, this.signal);
    throw new UsageError(`this cannot be undone, and there is nobody to ask: ${question}`, [
      'add --yes to do it',
    ]);
  }
}
