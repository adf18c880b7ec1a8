import type { LineTotals } from './happening.js';

/** What became of a line of standard output. */
export type Fate =
  | { readonly as: 'told' }
  | { readonly as: 'blank' }
  /** `kept`: told as it is, by its type. `passed`: not kept, by its type. */
  | { readonly as: 'kept' | 'passed'; readonly type: string };

/** Beyond so many types a program is making them up; the rest is counted together. */
const MAX_TYPES = 200;
const OTHERS = '(others)';

/** Counts where every line of a run went. */
export class LineCounts {
  #told = 0;
  #blank = 0;
  #stderr = 0;
  #cut = 0;
  #replaced = 0;
  readonly #kept = new Map<string, number>();
  readonly #passed = new Map<string, number>();

  count(fate: Fate): void {
    if (fate.as === 'told') this.#told += 1;
    else if (fate.as === 'blank') this.#blank += 1;
    else add(fate.as === 'kept' ? this.#kept : this.#passed, fate.type.slice(0, 200));
  }

  countError(): void {
    this.#stderr += 1;
  }

  countDamage(line: { readonly isCut: boolean; readonly isReplaced: boolean }): void {
    if (line.isCut) this.#cut += 1;
    if (line.isReplaced) this.#replaced += 1;
  }

  totals(): LineTotals {
    return {
      read: this.#told + this.#blank + sum(this.#kept) + sum(this.#passed),
      told: this.#told,
      kept: Object.fromEntries(this.#kept),
      passed: Object.fromEntries(this.#passed),
      blank: this.#blank,
      stderr: this.#stderr,
      cut: this.#cut,
      replaced: this.#replaced,
    };
  }
}

function add(counts: Map<string, number>, type: string): void {
  const name = counts.has(type) || counts.size < MAX_TYPES ? type : OTHERS;
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

const sum = (counts: ReadonlyMap<string, number>): number =>
  Array.from(counts.values()).reduce((total, count) => total + count, 0);
