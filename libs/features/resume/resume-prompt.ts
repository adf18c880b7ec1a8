import type { Amount, LeftOutBecause, ResumeMode } from './context-options.js';
import type { Shaped } from './conversation-shaper.js';

/** What the prompt of an agent is made of, besides what the record says. */
export interface Asked {
  readonly plan: string;
  readonly mode: ResumeMode;
  /** What the caller says; null: nothing. */
  readonly prompt: string | null;
  /** Whether nothing has been said yet. */
  readonly isFirst: boolean;
}

export type Account = Pick<Shaped, 'given' | 'leftOut' | 'shortened' | 'unknownCalls' | 'summary'>;

/** Tokens that the account in a prompt takes at most. */
export const TOKENS_OF_ACCOUNT = 400;

const OPENING = {
  with_context: 'You go on with this task where it was left off.',
  clean_restart:
    'This task was begun before and is started afresh: nothing of what was said then is given to you. The folder may hold files of that time.',
  from_checkpoint:
    'Code and conversation of this task were taken back to a checkpoint: what came after it did not happen. You go on from there.',
  restart_phase:
    'The present phase of the contract is started afresh. The record says what has been finished so far; what was said in this conversation before is not given to you.',
};

/** The prompt of an agent: the task, how it goes on, what is missing from the record, and what the caller says. */
export function resumePrompt(asked: Asked, account: Account): string {
  const { plan, mode, prompt, isFirst } = asked;
  if (isFirst) return prompt ?? plan;
  return [
    OPENING[mode],
    ...(plan === '' ? [] : [`Your task:\n${plan}`]),
    ...accountOf(mode, account),
    prompt ?? 'Go on until the task is done.',
  ].join('\n\n');
}

function accountOf(mode: Asked['mode'], account: Account): readonly string[] {
  const { given, leftOut, shortened, unknownCalls, summary } = account;
  const missing = leftOut.filter(({ reason }) => reason !== 'after_checkpoint');
  if (mode === 'clean_restart' || mode === 'restart_phase') return [];
  return [
    [
      ...missing.map(
        (amount) => `${inWords(amount)} of the conversation are not in the record: ${WHY[amount.reason]}.`,
      ),
      ...(missing.length > 0 ? [`The record has the other ${inWords(given)}.`] : []),
      ...(summary
        ? ['It begins with an extract of older messages that was made by rules, not by a model.']
        : []),
      ...(shortened > 0 ? [`${shortened} of its messages or results are given without their middle.`] : []),
      ...(unknownCalls > 0
        ? [
            `${unknownCalls} of its tool calls were cut off, and their outcome is unknown: find out whether they had an effect before you repeat them.`,
          ]
        : []),
    ].join('\n'),
  ].filter((text) => text !== '');
}

const WHY: Readonly<Record<LeftOutBecause, string>> = {
  limit: 'only the newest messages were asked for',
  budget: 'there was no room for them',
  summary: 'a summary was asked for',
  not_wanted: 'they were not asked for',
  call_left_out: 'the calls that they answer are not in it',
  nothing_left: 'they only made calls, which were not asked for',
  clean_restart: 'the task is started afresh',
  restart_phase: 'the phase is started afresh',
  after_checkpoint: 'they came after the checkpoint',
};

/** Such as `3 messages, 2 tool calls and 1 tool result`. */
function inWords({ messages, toolCalls, toolResults }: Amount): string {
  const parts = [
    [messages, 'message'],
    [toolCalls, 'tool call'],
    [toolResults, 'tool result'],
  ] as const;
  const said = parts
    .filter(([count]) => count > 0)
    .map(([count, noun]) => `${count} ${noun}${count === 1 ? '' : 's'}`);
  if (said.length === 0) return '0 messages';
  return said.length === 1 ? said[0]! : `${said.slice(0, -1).join(', ')} and ${said.at(-1)!}`;
}
