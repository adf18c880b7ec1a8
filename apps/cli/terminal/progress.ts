import type { OutputStream } from './output.js';
import { neutraliseLine } from './neutralise.js';
import { cutToWidth } from './display-width.js';

const BAR = 24;
const FRAME_MS = 80;

/** A bar on a terminal's stderr that shows how far long work is; nothing at all where nobody looks. */
export class Progress {
  #drawnAt = 0;
  #drawn = false;

  constructor(
    private readonly stream: OutputStream,
    private label: string,
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * @param done how much is done, of `total`; a total of 0 is not known yet.
   * @param note what stands after the bar, such as `12,000 of 40,000 events`.
   */
  update(done: number, total: number, note = ''): void {
    const now = this.now();
    if (this.stream.isTTY !== true || (this.#drawn && now - this.#drawnAt < FRAME_MS && done < total)) return;
    this.#drawnAt = now;
    this.#drawn = true;
    this.stream.write(
      `\r\x1b[K${cutToWidth(this.#text(done, total, note), (this.stream.columns ?? 80) - 1)}`,
    );
  }

  /** Says what is going on now. */
  relabel(label: string): void {
    // Drawn at once, however little time has passed.
    if (label !== this.label) this.#drawnAt = -Infinity;
    this.label = label;
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#drawn) this.stream.write('\r\x1b[K');
    this.#drawn = false;
  }

  #text(done: number, total: number, note: string): string {
    const part = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
    const filled = Math.round(part * BAR);
    const percent = total > 0 ? `${Math.floor(part * 100)}%`.padStart(4) : '   …';
    return neutraliseLine(
      `${this.label} ${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${percent}  ${note}`,
    );
  }
}
