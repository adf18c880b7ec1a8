/** Transcripts at random, by steps that fast-check makes up and shrinks. Imported by specs only. */
import fc from 'fast-check';
import { claudeCode, linesFile, mainSession, transcriptOf } from '#libs/agents/transcripts/spec-lines.js';
import { calls, event, item, meta, output, says, THREAD } from '#libs/agents/transcripts/spec-rollouts.js';
import type { TranscriptSession } from '#libs/agents/transcripts/transcript.js';

/** What happens next, and to which of those that it may happen to. */
export interface Step {
  readonly what: number;
  readonly which: number;
}

/** The lines of a transcript, and the session that its file tells when it has so many of them. */
export interface RandomTranscript {
  readonly lines: readonly object[];
  readonly session: (count: number) => TranscriptSession;
  /** Ids of what the agent itself still has at the end, in its order, where its format says so plainly. */
  readonly holds?: readonly string[];
}

export const anySteps = fc.array(fc.record({ what: fc.nat(99), which: fc.nat(20) }), {
  minLength: 3,
  maxLength: 40,
});

const at = (seconds: number): string => new Date(Date.UTC(2026, 2, 6, 14, 0, seconds)).toISOString();
const oneOf = <Item>(items: readonly Item[], which: number): Item | undefined => items[which % items.length];
const sessionIn =
  (name: string, lines: readonly object[]) =>
  (count: number): TranscriptSession =>
    mainSession(transcriptOf(linesFile(name, lines.slice(0, count))));

/** Prompts that hang anywhere, messages in several lines, results long after their calls. */
export function claudeCodeAtRandom(steps: readonly Step[]): RandomTranscript {
  const file = claudeCode().user('u0', 'prompt 0');
  const ids = ['u0'];
  const open: string[] = [];
  for (const [index, { what, which }] of steps.entries()) {
    const n = index + 1;
    const id = `l${n}`;
    const parentUuid = oneOf(ids, which);
    const message = `m${which % 3 === 0 ? n : Math.floor(n / 4)}`;
    const call = what >= 60 && what < 80 ? open.splice(which % Math.max(1, open.length), 1)[0] : undefined;
    if (call !== undefined) file.result(id, call, `output of ${call}`, { parentUuid: `${call}-made` });
    else if (what < 20) file.user(id, `prompt ${n}`);
    else if (what < 35) file.user(id, `prompt ${n}`, { parentUuid });
    else if (what < 60) file.says(id, message, `answer ${n}`);
    else file.calls(`t${n}-made`, message, `t${n}`, 'Read');
    if (what >= 60 && call === undefined) open.push(`t${n}`);
    ids.push(what >= 60 && call === undefined ? `t${n}-made` : id);
  }
  const lines = file.lines.map((line) => JSON.parse(line) as object);
  return { lines, session: sessionIn('s.jsonl', lines) };
}

/** Calls whose outputs come after other prompts, turns that are taken back. */
export function codexAtRandom(steps: readonly Step[]): RandomTranscript {
  const records: object[] = [meta(), says('user', 'prompt 0')];
  const [open, answered]: [string[], string[]] = [[], []];
  for (const [index, { what, which }] of steps.entries()) {
    const n = index + 1;
    const call = open[which % Math.max(1, open.length)];
    const done = oneOf(answered, which);
    if (what < 20) records.push(says('user', `prompt ${n}`));
    else if (what < 40) records.push(says('assistant', `answer ${n}`));
    else if (what < 50) records.push(event('thread_rolled_back', { num_turns: 1 + (which % 3) }));
    else if (what < 75 && call !== undefined) {
      records.push(output(call, `output of ${call}`));
      answered.push(...open.splice(open.indexOf(call), 1));
    } else if (what < 85 && done !== undefined) {
      const changes = { '/w/a.txt': { type: 'add', content: 'x\n' } };
      records.push(event('patch_apply_end', { call_id: done, success: which % 2 === 0, changes }));
    } else {
      const input = '*** Begin Patch\n*** Add File: a.txt\n+x\n*** End Patch';
      const patch = item('custom_tool_call', { call_id: `t${n}`, name: 'apply_patch', input });
      records.push(which % 3 === 0 ? calls(`t${n}`, 'exec_command', { cmd: 'ls' }) : patch);
      open.push(`t${n}`);
    }
  }
  const lines = records.map((record, index) => ({ timestamp: at(index), ...record }));
  return { lines, session: sessionIn(`rollout-2026-03-04T09-00-00-${THREAD}.jsonl`, lines) };
}

interface GeminiCall {
  readonly id: string;
  readonly name: string;
  status: string;
  result?: readonly object[];
}

interface GeminiMessage {
  readonly id: string;
  readonly type: 'user' | 'gemini';
  readonly timestamp: string;
  content: string;
  readonly toolCalls: GeminiCall[];
}

/** Messages that are written anew with more or less of them, results long after their calls, ways back. */
export function geminiCliAtRandom(steps: readonly Step[]): RandomTranscript {
  const lines: object[] = [{ sessionId: 'chat', projectHash: 'abc', startTime: at(0), kind: 'main' }];
  let held: GeminiMessage[] = [];
  const write = (message: GeminiMessage): unknown => lines.push(structuredClone(message));
  const add = (n: number, type: 'user' | 'gemini'): void => {
    const message = { id: `${type}-${n}`, type, timestamp: at(n), content: `${type} ${n}`, toolCalls: [] };
    held.push(message);
    write(message);
  };
  add(0, 'user');
  for (const [index, { what, which }] of steps.entries()) {
    const n = index + 1;
    const agents = held.filter(({ type }) => type === 'gemini').slice(-3);
    const message = oneOf(agents, which);
    const target = oneOf(held, which);
    if (what < 25) add(n, 'user');
    else if (what >= 85 && target) {
      held = held.slice(0, held.indexOf(target));
      // A chat that is left with nothing is told by its next message anew, which no test of order can tell apart.
      lines.push(
        what >= 95 && held.length > 0
          ? { $set: { messages: structuredClone(held) } }
          : { $rewindTo: target.id },
      );
    } else if (what < 40 || !message) add(n, 'gemini');
    else {
      goOn(message, n, what, which);
      write(message);
    }
    lines.push({ $set: { lastUpdated: at(n) } });
  }
  return {
    lines,
    session: sessionIn('chats/session-1.jsonl', lines),
    holds: held.flatMap(({ id, toolCalls }) => [
      id,
      ...toolCalls.flatMap((call) => (call.result ? [`result-${call.id}`] : [])),
    ]),
  };
}

/** A message gets more text or less, a call, or what came of one, which may change again. */
function goOn(message: GeminiMessage, n: number, what: number, which: number): void {
  const call = oneOf(message.toolCalls, which);
  if (what < 46) message.content += ` and ${n}`;
  else if (what < 50) message.content = which % 2 === 0 ? '' : 'no';
  else if (!call || what < 65)
    message.toolCalls.push({ id: `t${n}`, name: 'write_file', status: 'executing' });
  else {
    call.status = what < 75 ? 'success' : 'error';
    call.result = [
      {
        functionResponse: {
          id: call.id,
          name: call.name,
          response: { output: oneOf(['', 'done', `done ${n}`], which) },
        },
      },
    ];
  }
}
