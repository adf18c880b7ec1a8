/** For specs: small recordings, one message with a call and its result after another. Their folder was `/w`. */
import type { TranscriptFile } from '../transcripts/transcript.js';

export type RecordedCall = readonly [name: string, input: unknown];

interface RecordingOptions {
  readonly isError?: boolean;
  readonly secondsApart?: number;
}

/** Of a recording of Claude Code. */
export const RECORDED_SESSION = '9d0f6f6e-1111-4222-8333-000000000001';

const START = Date.parse('2026-03-02T09:00:00.000Z');
const timeAt = (index: number, secondsApart = 1): string =>
  new Date(START + index * secondsApart * 1000).toISOString();

const linesFile = (name: string, lines: readonly object[]): TranscriptFile => ({
  name,
  bytes: Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join('')),
});

export function claudeRecording(
  calls: readonly RecordedCall[],
  { isError = false, secondsApart }: RecordingOptions = {},
): TranscriptFile {
  const session = RECORDED_SESSION;
  let lines = 0;
  const line = (type: string, message: object): object => {
    const number = (lines += 1);
    return {
      type,
      uuid: `line-${number}`,
      parentUuid: number === 1 ? null : `line-${number - 1}`,
      sessionId: session,
      cwd: '/w',
      timestamp: timeAt(number, secondsApart),
      message,
    };
  };
  return linesFile(`${session}.jsonl`, [
    line('user', { role: 'user', content: 'Do it.' }),
    ...calls.flatMap(([name, input], index) => [
      line('assistant', {
        id: `msg_${index}`,
        role: 'assistant',
        content: [{ type: 'tool_use', id: `toolu_${index}`, name, input }],
      }),
      line('user', {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: `toolu_${index}`, content: 'ok', is_error: isError }],
      }),
    ]),
  ]);
}

export function codexRecording(calls: readonly RecordedCall[]): TranscriptFile {
  const line = (index: number, type: string, payload: object): object => ({
    timestamp: timeAt(index),
    type,
    payload,
  });
  return linesFile('rollout-2026-03-02T09-00-00-019cc3a1-0000-7e40-8f3b-9a1c6d20e5b4.jsonl', [
    line(0, 'session_meta', { id: '019cc3a1-0000-7e40-8f3b-9a1c6d20e5b4', cwd: '/w' }),
    ...calls.flatMap(([name, input], index) => [
      typeof input === 'string'
        ? line(index, 'response_item', { type: 'custom_tool_call', call_id: `call_${index}`, name, input })
        : line(index, 'response_item', {
            type: 'function_call',
            call_id: `call_${index}`,
            name,
            arguments: JSON.stringify(input),
          }),
      line(index, 'response_item', {
        type: 'function_call_output',
        call_id: `call_${index}`,
        output: 'Success.',
      }),
    ]),
  ]);
}

export const geminiRecording = (calls: readonly RecordedCall[]): TranscriptFile =>
  linesFile('session-2026-03-02T09-00-9d0f6f6e.jsonl', [
    { sessionId: '9d0f6f6e', projectHash: 'abc', startTime: timeAt(0), kind: 'main' },
    ...calls.map(([name, args], index) => ({
      id: `message-${index}`,
      timestamp: timeAt(index),
      type: 'gemini',
      content: 'Now.',
      toolCalls: [
        {
          id: `call-${index}`,
          name,
          args,
          status: 'success',
          result: [{ functionResponse: { id: `call-${index}`, name, response: { output: 'ok' } } }],
        },
      ],
    })),
  ]);
