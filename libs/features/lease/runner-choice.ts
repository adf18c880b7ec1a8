import { invalid, type FieldError } from '#libs/kernel/problem.js';
import type { RunnerChoiceDto } from './lease.dto.js';
import type { RunnerChoice } from './lease.events.js';

/** The fields besides `name` that each runner needs, and those that it takes. */
const FIELDS = {
  claude: { needs: [], takes: ['model'] },
  codex: { needs: [], takes: ['model'] },
  command: { needs: ['command'], takes: [] },
  replay: { needs: ['recording'], takes: ['speed'] },
} as const satisfies Record<RunnerChoice['name'], unknown>;

/** Of a command with its arguments: it stands in an event as it is. */
const MOST_CHARACTERS = 50_000;

/** @throws Problem VALIDATION_FAILED naming each field that the runner lacks or does not take. */
export function runnerOf(chosen: RunnerChoiceDto): RunnerChoice {
  const { name, model, command, recording, speed } = chosen;
  const given = { model, command, recording, speed };
  const needs: readonly string[] = FIELDS[name].needs;
  const takes: readonly string[] = FIELDS[name].takes;
  const errors = Object.entries(given).flatMap(([field, value]): FieldError[] => {
    const at = `runner.${field}`;
    if (value === undefined)
      return needs.includes(field)
        ? [{ field: at, code: 'REQUIRED', detail: `is required for ${name}` }]
        : [];
    return needs.includes(field) || takes.includes(field)
      ? []
      : [{ field: at, code: 'UNKNOWN_FIELD', detail: `is not for ${name}` }];
  });
  if (command?.some((text) => text.includes('\0')))
    errors.push({
      field: 'runner.command',
      code: 'INVALID',
      detail: 'must not hold NUL: no program takes it',
    });
  if ((command ?? []).join('').length > MOST_CHARACTERS)
    errors.push({
      field: 'runner.command',
      code: 'INVALID',
      detail: `must have ${MOST_CHARACTERS} characters at most`,
    });
  if (errors.length > 0) throw invalid(...errors);
  switch (name) {
    case 'claude':
    case 'codex':
      return { name, ...(model === undefined ? {} : { model }) };
    case 'command':
      return { name, command: command! };
    case 'replay':
      return { name, recording: recording!, ...(speed === undefined ? {} : { speed }) };
  }
}
