import type { Writable } from 'node:stream';
import { page, type PagerCommand } from './pager.js';
import { render, type Line } from './styled.js';

/** A stream that people look at, or that goes into a pipe or file. */
export interface OutputStream extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** The reader has closed what we write to (`makima … | head`): not an error. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/**
 * Whether a stream gets colours: FORCE_COLOR decides, then NO_COLOR (https://no-color.org), then whether it is a terminal
 * that has any.
 */
export function wantsColour(stream: Pick<OutputStream, 'isTTY'>, env: NodeJS.ProcessEnv): boolean {
  const { FORCE_COLOR, NO_COLOR, TERM } = env;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  return stream.isTTY === true && TERM !== 'dumb';
}

/** Columns to lay out for: those of a terminal (20 at least), Infinity for everything else. */
export const layoutWidth = ({ isTTY, columns }: Pick<OutputStream, 'isTTY' | 'columns'>): number =>
  isTTY ? Math.max(columns || 80, 20) : Infinity;

/** One of the two streams that a command writes to. */
export class Output {
  constructor(
    readonly stream: OutputStream,
    public colour: boolean,
  ) {
    stream.on('error', () => undefined);
  }

  get width(): number {
    return layoutWidth(this.stream);
  }

  get isTerminal(): boolean {
    return this.stream.isTTY === true;
  }

  /** Writes lines, as fast as they are taken. */
  async lines(lines: Iterable<Line>): Promise<void> {
    let text = '';
    for (const one of lines) {
      text += `${render(one, this.colour)}\n`;
      if (text.length < 65_536) continue;
      await this.raw(text);
      text = '';
    }
    await this.raw(text);
  }

  /** Writes lines through a pager if they are more than the terminal shows at once. */
  async paged(lines: readonly Line[], pager: PagerCommand | undefined): Promise<void> {
    const rows = this.stream.rows ?? 24;
    if (!pager || !this.isTerminal || lines.length < rows) return this.lines(lines);
    const shown = await page(
      lines.map((one) => `${render(one, this.colour)}\n`),
      pager,
    );
    if (!shown) await this.lines(lines);
  }

  /**
   * Writes text as it is: only for what holds nothing that came from outside, or has been made safe.
   * @throws OutputClosed when nobody reads any more.
   */
  async raw(text: string): Promise<void> {
    const { stream } = this;
    if (text === '') return;
    if (stream.destroyed || stream.errored) throw new OutputClosed();
    if (stream.write(text)) return;
    await taken(stream);
    if (stream.destroyed || stream.errored) throw new OutputClosed();
  }
}

/** Resolves when a stream has taken what it was given, or will never take it. */
const taken = (stream: OutputStream): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
