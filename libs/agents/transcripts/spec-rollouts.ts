/** Lines of Codex rollouts for the specs of this folder; what they say is invented. Imported by specs only. */
import { linesFile, mainSession, messagesOf, transcriptOf } from './spec-lines.js';
import type { Transcript, TranscriptFile } from './transcript.js';

export type RolloutFields = Readonly<Record<string, unknown>>;

export const THREAD = '019cc3a1-0000-7000-8000-000000000001';

const at = (seconds: number): string => new Date(Date.UTC(2026, 2, 4, 9, 0, seconds)).toISOString();
export const meta = (fields: RolloutFields = {}): RolloutFields => ({
  type: 'session_meta',
  payload: { id: THREAD, cwd: '/w', cli_version: '0.160.0', git: { branch: 'main' }, ...fields },
});
export const item = (type: string, fields: RolloutFields): RolloutFields => ({
  type: 'response_item',
  payload: { type, ...fields },
});
export const event = (type: string, fields: RolloutFields = {}): RolloutFields => ({
  type: 'event_msg',
  payload: { type, ...fields },
});
export const says = (role: string, text: string): RolloutFields =>
  item('message', { role, content: [{ type: role === 'assistant' ? 'output_text' : 'input_text', text }] });
export const calls = (callId: string, name: string, args: RolloutFields = {}): RolloutFields =>
  item('function_call', { name, call_id: callId, arguments: JSON.stringify(args) });
export const output = (callId: string, text: string): RolloutFields =>
  item('function_call_output', { call_id: callId, output: text });
export const tokens = (input: number, cached: number, out: number, total: number): RolloutFields =>
  event('token_count', {
    info: {
      total_token_usage: { total_tokens: total },
      last_token_usage: { input_tokens: input, cached_input_tokens: cached, output_tokens: out },
    },
  });

export const rollout = (
  records: readonly RolloutFields[],
  name = `rollout-2026-03-04T09-00-00-${THREAD}.jsonl`,
): TranscriptFile =>
  linesFile(
    name,
    records.map((record, index) => ({ timestamp: at(index), ...record })),
  );

export const read = (...records: readonly RolloutFields[]): Transcript =>
  transcriptOf(rollout([meta(), ...records]));
export const saidIn = (transcript: Transcript): unknown[] =>
  messagesOf(mainSession(transcript)).map(({ role, origin, content }) => [role, origin, content]);
