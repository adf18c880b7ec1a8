import { isRecord, textAt } from './json-fields.js';
import type { TranscriptFile } from './transcript.js';

const SAVED_TO = /Full output saved to: ([^\n]{1,2000})/;
const MAX_BYTES = 64 * 1024 * 1024;

/** Outputs that were too big for their line: the line holds a preview, `<session>/tool-results/` the whole. */
export class SpilledOutputs {
  readonly #files = new Map<string, TranscriptFile>();

  constructor(files: readonly TranscriptFile[]) {
    for (const file of files) this.#files.set(baseName(file.name), file);
  }

  /** The whole output, when the line says that it stands elsewhere and the file is there. */
  textOf(preview: string, toolCallId: string, toolUseResult: unknown): string | undefined {
    if (this.#files.size === 0) return undefined;
    const told = isRecord(toolUseResult) ? textAt(toolUseResult, 'persistedOutputPath') : undefined;
    const isPreview = preview.trimStart().startsWith('<persisted-output>');
    if (told === undefined && !isPreview) return undefined;
    const path = told ?? SAVED_TO.exec(preview.slice(0, 4000))?.[1]?.trim() ?? '';
    const file = this.#files.get(baseName(path)) ?? this.#files.get(`${toolCallId}.txt`);
    const bytes = file?.bytes;
    return bytes && bytes.byteLength <= MAX_BYTES ? Buffer.from(bytes).toString('utf8') : undefined;
  }
}

const baseName = (path: string): string => path.split(/[\\/]/).at(-1) ?? '';
