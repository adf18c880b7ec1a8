import { parseClaudeCode } from './claude-code.js';
import { parseCodex } from './codex.js';
import { groupFiles, reasonOf } from './file-groups.js';
import type { FileGroup } from './file-groups.js';
import { parseGeminiCli } from './gemini-cli.js';
import type { Transcript, TranscriptFile } from './transcript.js';
import { unpacked } from './zstd.js';

/** A transcript with the names of the files that it was read from, or a file that is none. */
export type TranscriptRead =
  | { readonly kind: 'transcript'; readonly files: readonly string[]; readonly transcript: Transcript }
  | { readonly kind: 'refused'; readonly name: string; readonly reason: string };

/**
 * Reads the transcripts among some files: one, or all of a folder. Yields them one at a time, so that no more than one
 * is in memory, and names what is none with the reason. Never throws because of what a file holds.
 * Names are paths; sub-agents and outputs are told by them: `<session>/subagents/…`, `<session>/tool-results/…`.
 */
export function* readTranscripts(files: readonly TranscriptFile[]): Generator<TranscriptRead> {
  const { groups, refused } = groupFiles(files);
  for (const { name, reason } of refused) yield { kind: 'refused', name, reason };
  for (const group of groups) yield* readGroup(group);
}

function* readGroup(group: FileGroup): Generator<TranscriptRead> {
  const names = filesOf(group).map((file) => file.name);
  let transcript: Transcript;
  try {
    transcript = parse(group);
  } catch (error) {
    for (const name of names) yield { kind: 'refused', name, reason: reasonOf(error) };
    return;
  }
  yield { kind: 'transcript', files: names, transcript };
}

function filesOf(group: FileGroup): readonly TranscriptFile[] {
  if (group.format === 'codex') return group.rollouts;
  const main = group.files.main ? [group.files.main] : [];
  if (group.format === 'gemini-cli') return [...main, ...group.files.agents];
  const agents = group.files.agents.flatMap(({ file, meta }) => (meta ? [file, meta] : [file]));
  return [...main, ...agents, ...group.files.outputs];
}

function parse(group: FileGroup): Transcript {
  if (group.format === 'codex') return parseCodex(group.rollouts.map(plain));
  const main = group.files.main && { main: plain(group.files.main) };
  if (group.format === 'gemini-cli') {
    return parseGeminiCli({ ...group.files, ...main, agents: group.files.agents.map(plain) });
  }
  const agents = group.files.agents.map((agent) => ({ ...agent, file: plain(agent.file) }));
  return parseClaudeCode({ ...group.files, ...main, agents });
}

/** The file unpacked, read when its bytes are asked for. */
const plain = (file: TranscriptFile): TranscriptFile => ({
  name: file.name,
  get bytes() {
    return unpacked(file.bytes);
  },
});
