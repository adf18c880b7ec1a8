/** Lines and files for the specs of this folder; what they say is invented. Imported by specs only. */
import { readTranscripts } from './read-transcripts.js';
import type {
  LineReport,
  MessageEntry,
  RewindEntry,
  ToolResultEntry,
  Transcript,
  TranscriptFile,
  TranscriptSession,
} from './transcript.js';

export const SESSION = 'b2f0c6de-0d3c-4e5b-9a7e-1f6c2d3e4f50';

type Fields = Readonly<Record<string, unknown>>;

/** Claude Code lines under ids of one's choice; each hangs under the one before, a second apart. */
export class ClaudeCodeLines {
  readonly lines: string[] = [];
  #last: string | null = null;
  #seconds = 0;

  add(type: string, uuid: string, fields: Fields = {}): this {
    const timestamp = new Date(Date.UTC(2026, 0, 5, 10, 0, this.#seconds)).toISOString();
    this.#seconds += 1;
    this.lines.push(
      JSON.stringify({
        type,
        uuid,
        parentUuid: this.#last,
        sessionId: SESSION,
        timestamp,
        isSidechain: false,
        ...fields,
      }),
    );
    this.#last = uuid;
    return this;
  }

  text(line: string): this {
    this.lines.push(line);
    return this;
  }

  user(uuid: string, content: unknown, fields: Fields = {}): this {
    return this.add('user', uuid, { message: { role: 'user', content }, ...fields });
  }

  assistant(uuid: string, id: string, block: Fields, fields: Fields = {}, output = 1): this {
    const usage = {
      input_tokens: 7,
      output_tokens: output,
      cache_read_input_tokens: 50,
      cache_creation_input_tokens: 3,
    };
    const message = { id, role: 'assistant', model: 'claude-opus-4-6', content: [block], usage };
    return this.add('assistant', uuid, { message, ...fields });
  }

  says(uuid: string, id: string, text: string, fields: Fields = {}): this {
    return this.assistant(uuid, id, { type: 'text', text }, fields);
  }

  calls(uuid: string, id: string, call: string, name: string, input: Fields = {}, fields: Fields = {}): this {
    return this.assistant(uuid, id, { type: 'tool_use', id: call, name, input }, fields);
  }

  result(uuid: string, call: string, content: unknown, fields: Fields = {}, isError = false): this {
    const error = isError ? { is_error: true } : {};
    return this.user(uuid, [{ type: 'tool_result', tool_use_id: call, content, ...error }], fields);
  }

  file(name = `${SESSION}.jsonl`): TranscriptFile {
    return fileOf(name, `${this.lines.join('\n')}\n`);
  }
}

export const claudeCode = (): ClaudeCodeLines => new ClaudeCodeLines();

export const fileOf = (name: string, content: string | Uint8Array): TranscriptFile => ({
  name,
  bytes: typeof content === 'string' ? Buffer.from(content) : content,
});

/** JSON lines of a rollout or chat. */
export const linesFile = (name: string, records: readonly unknown[]): TranscriptFile =>
  fileOf(name, records.map((record) => `${JSON.stringify(record)}\n`).join(''));

/** The one transcript that some files hold. Fails when they hold none or several. */
export function transcriptOf(...files: readonly TranscriptFile[]): Transcript {
  const reads = [...readTranscripts(files)];
  const [first] = reads;
  if (reads.length !== 1 || first?.kind !== 'transcript') {
    throw new Error(
      `expected one transcript: ${JSON.stringify(reads.map((read) => ({ ...read, transcript: undefined })))}`,
    );
  }
  return first.transcript;
}

export function mainSession(transcript: Transcript): TranscriptSession {
  const [session] = transcript.sessions;
  if (!session) throw new Error('expected a session');
  return session;
}

export const messagesOf = (session: TranscriptSession): readonly MessageEntry[] =>
  session.entries.filter((entry) => entry.kind === 'message');

export const resultsOf = (session: TranscriptSession): readonly ToolResultEntry[] =>
  session.entries.filter((entry) => entry.kind === 'tool_result');

export const rewindsOf = (session: TranscriptSession): readonly RewindEntry[] =>
  session.entries.filter((entry) => entry.kind === 'rewind');

/** Lines that the report counts as imported and as kept, less those that sessions have: 0 when it tells the truth. */
export const missingLines = ({ report, sessions }: Transcript): readonly [imported: number, kept: number] => [
  report.imported - sessions.reduce((lines, { importedLines }) => lines + importedLines, 0),
  Object.values(report.raw).reduce((total, count) => total + count, 0) -
    sessions.flatMap(({ entries }) => entries.filter((entry) => entry.kind === 'raw')).length,
];

/** Every line must be somewhere: what is left over is not 0. */
export function unaccountedLines(report: LineReport): number {
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  return (
    report.lines -
    report.imported -
    sum(report.raw) -
    sum(report.skipped) -
    report.blank -
    report.invalidCount
  );
}
