import { oneLine } from './format.js';

/** Fields of tool inputs that say best what a call is about, by agent and tool; the first one found is shown. */
const TARGETS = [
  'command',
  'cmd',
  'file_path',
  'filePath',
  'absolute_path',
  'notebook_path',
  'path',
  'pattern',
  'query',
  'url',
  'skill',
  'description',
  'prompt',
  'dir_path',
  'input',
  'name',
] as const;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a tool call is about, on one line: its command, file, pattern … */
export function targetOf(input: unknown, most: number): string {
  if (typeof input === 'string') return oneLine(input, most);
  if (!isRecord(input))
    return input === undefined || input === null ? '' : oneLine(JSON.stringify(input), most);
  for (const name of TARGETS) {
    const text = Object.hasOwn(input, name) ? textOf(input[name]) : '';
    if (text !== '') return oneLine(text, most);
  }
  const json = JSON.stringify(input);
  return json === '{}' ? '' : oneLine(json, most);
}

/** A text, or a command as the list of its words. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value) || !value.every((word) => typeof word === 'string')) return '';
  const [program, flag, script] = value;
  const shell =
    value.length === 3 && /(^|\/)(ba|z|da)?sh$/.test(program ?? '') && /^-[a-z]*c$/.test(flag ?? '');
  return shell ? (script ?? '') : value.join(' ');
}

const EXIT_CODE = /\bexit(?:ed with)?[ _]code"?:?\s*(-?\d{1,5})\b/i;

/** The exit code that a command's result begins with, as far as the agent wrote one. */
export function exitCodeIn(result: string): number | undefined {
  const [, code] = EXIT_CODE.exec(result.slice(0, 200)) ?? [];
  return code === undefined ? undefined : Number(code);
}
