import type { Amount, GoesOn } from '#libs/client/types-resume.js';
import { line, span, type Line } from '../terminal/styled.js';
import { count, counted, oneLine } from './format.js';

const WHY: Readonly<Record<string, string>> = {
  limit: 'older than what was asked for',
  budget: 'no room for them',
  summary: 'a summary was asked for',
  not_wanted: 'not asked for',
  call_left_out: 'their calls are left out',
  nothing_left: 'they only made calls',
  clean_restart: 'the task starts afresh',
  restart_phase: 'the phase starts afresh',
  after_checkpoint: 'they came after the checkpoint',
};

/** What an agent is given, before it starts. */
export function goesOnLines({ told, checkpoint, daemon, rewind }: GoesOn): readonly Line[] {
  const { given, leftOut, shortened, unknownCalls, summary, tokens } = told;
  return [
    row('tokens', `about ${count(tokens)}`),
    row('given', amount(given)),
    ...leftOut.map((part) =>
      row('left out', `${amount(part)}: ${WHY[part.reason] ?? oneLine(part.reason, 60)}`),
    ),
    ...(summary ? [row('extract', 'of older messages, made by rules')] : []),
    ...(shortened > 0
      ? [row('shortened', counted(shortened, 'message or result', 'messages or results'))]
      : []),
    ...(unknownCalls > 0 ? [row('cut off', `${counted(unknownCalls, 'tool call')}, outcome unknown`)] : []),
    ...(rewind ? [row('goes back', `${counted(rewind.hiddenMessages, 'message')} hidden`)] : []),
    row(
      'code',
      checkpoint
        ? `checkpoint ${checkpoint.checkpointNumber} (${oneLine(checkpoint.sha, 12)})${checkpoint.isSafe ? '' : ', on one daemon only'}`
        : 'no checkpoint',
    ),
    row(
      'daemon',
      daemon
        ? `${oneLine(daemon.daemonId, 40)}${daemon.isConnected ? '' : ', not connected'}`
        : 'any that takes it',
    ),
  ];
}

const row = (name: string, text: string): Line => line(span(name.padEnd(11), 'dim'), text);

const amount = ({ messages, toolCalls, toolResults }: Amount): string =>
  `${counted(messages, 'message')}, ${counted(toolCalls, 'tool call')}, ${counted(toolResults, 'result')}`;
