import { CodexRollout } from './codex-rollout.js';
import { LineAccount } from './line-account.js';
import { readLines } from './line-reader.js';
import { fingerprint } from './entry-names.js';
import type { Transcript, TranscriptFile } from './transcript.js';

/**
 * Reads a thread of Codex from its rollout files (already decompressed): the thread's own first, then its sub-agents',
 * each after its parent. Never throws because of what a file holds.
 */
export function parseCodex(files: readonly TranscriptFile[]): Transcript {
  const account = new LineAccount();
  const sessions = files.map((file) => {
    const rollout = new CodexRollout(account);
    for (const line of account.records(readLines(file.bytes), file.name)) account.count(rollout.add(line));
    return rollout.session(file.name, rollout.sessionId ?? idInName(file.name));
  });
  return { sessions, report: account.report() };
}

const UUID_AT_END = /([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl/;

const idInName = (name: string): string => UUID_AT_END.exec(name)?.[1] ?? `rollout-${fingerprint(name)}`;
