import { existsSync, readFileSync } from 'node:fs';

interface Entry {
  readonly run: string;
  readonly wrote?: string;
  readonly said?: number;
  readonly files?: Readonly<Record<string, string>>;
}

/** What the scripted agents wrote down themselves, outside of all folders. */
export class Ledger {
  /** Ids of all contents that were ever written. */
  readonly written = new Set<string>();
  readonly #runs = new Map<string, { said: number; files?: Readonly<Record<string, string>> }>();
  #read = 0;

  constructor(readonly path: string) {}

  /** Takes in what was added. */
  refresh(): void {
    if (!existsSync(this.path)) return;
    const lines = readFileSync(this.path, 'utf8').split('\n').slice(0, -1);
    for (const line of lines.slice(this.#read)) this.#take(JSON.parse(line) as Entry);
    this.#read = lines.length;
  }

  /** What a run had said, and what its folder held when it ended by itself. */
  run(runId: string): { readonly said: number; readonly files?: Readonly<Record<string, string>> } {
    return this.#runs.get(runId) ?? { said: 0 };
  }

  #take({ run, wrote, said, files }: Entry): void {
    if (wrote !== undefined) this.written.add(wrote);
    const known = this.#runs.get(run) ?? { said: 0 };
    this.#runs.set(run, { ...known, ...(said === undefined ? {} : { said }), ...(files ? { files } : {}) });
  }
}
