import type { Queryable } from '#libs/database/database.js';
import { endedTasksOf, phasesOf } from './resume.queries.js';
import { inShort, shortenedTo } from './token-estimate.js';

/** Tasks that are told of, the newest. */
const MOST_TASKS = 50;
const CHARACTERS = { name: 200, said: 500 };

/** What a supervisor that starts its phase afresh knows of the work so far (SPEC §3.1, restart_phase). */
export async function finishedWork(
  db: Queryable,
  {
    contractId,
    supervisorId,
    room,
  }: { readonly contractId: string; readonly supervisorId: string; readonly room: number },
): Promise<string> {
  const phases = await phasesOf(db, contractId);
  const { tasks, count } = await endedTasksOf(db, contractId, supervisorId, MOST_TASKS);
  const lines = [
    `Phases of the contract so far: ${phases.join(', then ')}. It is in the last one of these now.`,
    count === 0
      ? 'No task of the contract has ended yet.'
      : `Tasks of the contract that have ended (${count}):`,
    ...tasks.map(
      ({ name, status, said }) =>
        `- ${inShort(name, CHARACTERS.name)} (${status})${said === null ? '' : `: ${inShort(said, CHARACTERS.said)}`}`,
    ),
    ...(count > tasks.length ? [`- (and ${count - tasks.length} that ended before these)`] : []),
  ];
  return shortenedTo(lines.join('\n'), room);
}
