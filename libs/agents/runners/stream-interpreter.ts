import { isRecord, parseJson } from '../transcripts/json-fields.js';
import type { JsonRecord } from '../transcripts/json-fields.js';
import type { TokenUsage } from '../transcripts/transcript.js';
import type { Happening } from './happening.js';
import type { Fate } from './line-counts.js';
import { shownLine, type ProgramLine } from './line-splitter.js';
import type { Narrator } from './narrator.js';

/** What a line of a program's output says. */
export interface Heard {
  readonly fate: Fate;
  readonly told: readonly Happening[];
  /** The agent has done what it was told, and waits for more or for the end of its input. */
  readonly endsTurn?: boolean;
}

/** How the program itself says that it went. */
export type Verdict = { readonly as: 'completed' } | { readonly as: 'failed'; readonly reason: string };

/** Makes happenings of the lines that a program prints. Knows nothing of processes. */
export interface StreamInterpreter {
  line(line: ProgramLine): Heard;
  /** True while something is held that further lines may add to. */
  readonly holds: boolean;
  /** Tells what is held: nothing more has come for a while, or ever will. */
  release(): readonly Happening[];
  readonly conversationId: string | undefined;
  /** What the last turn came to; undefined when none was ended. */
  readonly verdict: Verdict | undefined;
  /** Of all turns so far. */
  readonly spent: { readonly usage?: TokenUsage; readonly costUsd?: number };
}

/** What of a line that cannot be read is kept. */
const KEPT_OF_CUT = 65_536;

export const placeOf = (line: ProgramLine): string => `stdout:${line.number}`;

/** A line of output as it is. */
export const outputOf = (narrator: Narrator, line: ProgramLine): Heard => ({
  fate: { as: 'told' },
  told: [narrator.tell(placeOf(line), { kind: 'output', channel: 'stdout', content: shownLine(line) })],
});

export const keptAs = (narrator: Narrator, line: ProgramLine, lineType: string, text = line.text): Heard => ({
  fate: { as: 'kept', type: lineType },
  told: [narrator.tell(`${placeOf(line)}/line`, { kind: 'line', lineType, content: text })],
});

export const passed = (type: string): Heard => ({ fate: { as: 'passed', type }, told: [] });

/** A line's JSON object, or what becomes of a line that holds none. */
export type Parsed = { readonly record: JsonRecord } | { readonly heard: Heard };

/** Agents and what they start print other things among their JSON: those are output. */
export function parsedLine(narrator: Narrator, line: ProgramLine): Parsed {
  const text = line.text.trim();
  if (text === '') return { heard: { fate: { as: 'blank' }, told: [] } };
  if (!text.startsWith('{')) return { heard: outputOf(narrator, line) };
  if (line.isCut) {
    const beginning = line.text.slice(0, KEPT_OF_CUT);
    const kept = `${beginning} [cut: the line has ${line.bytes} bytes]`;
    return { heard: keptAs(narrator, line, '(too long)', kept) };
  }
  const record = parseJson(text);
  return isRecord(record) ? { record } : { heard: outputOf(narrator, line) };
}
