import { createInterface } from 'node:readline/promises';
import type { Readable } from 'node:stream';
import type { OutputStream } from './output.js';
import { neutraliseLine } from './neutralise.js';

export interface PromptStreams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stderr: OutputStream;
}

/** Whether there is somebody to ask. */
export const canAsk = ({ stdin, stderr }: PromptStreams): boolean =>
  stdin.isTTY === true && stderr.isTTY === true;

/** Asks a question that only `y` or `yes` answers with yes; asked on stderr, so that stdout stays data. */
export async function confirm(
  { stdin, stderr }: PromptStreams,
  question: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    const text = `${neutraliseLine(question)} [y/N] `;
    const answer = signal ? await lines.question(text, { signal }) : await lines.question(text);
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    lines.close();
  }
}
