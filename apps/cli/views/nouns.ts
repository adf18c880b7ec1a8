import type { Checkpoint, Contract, Task } from '#libs/client/types.js';
import type { Snapshot } from '#libs/client/types-conversation.js';
import { factLines, tableLines, type Row } from '../terminal/table.js';
import { indented, line, span, type Line } from '../terminal/styled.js';
import { count, dayHeading, idShortener, localTime, oneLine, partsOf, statusSpan } from './format.js';
import { fileParts } from './history.js';
import { filesIn, truncatedLines } from './truncated.js';

const whole = (width: number): boolean => !Number.isFinite(width);

export function contractTable(contracts: readonly Contract[], width: number): readonly Line[] {
  const idOf = idShortener(
    contracts.map(({ id }) => id),
    whole(width),
  );
  return tableLines(
    [
      { head: 'contract' },
      { head: 'phase' },
      { head: 'status' },
      { head: 'created' },
      { head: 'name', narrow: 'cut' },
    ],
    contracts.map(({ id, phase, status, createdAt, name }) => [
      span(idOf(id), 'bold'),
      span(phase, 'magenta'),
      statusSpan(status),
      localTime(createdAt),
      oneLine(name),
    ]),
    width,
  );
}

export const contractFacts = (contract: Contract, width: number): readonly Line[] =>
  factLines(
    [
      ['contract', span(contract.id, 'bold')],
      ['name', oneLine(contract.name)],
      ['phase', span(contract.phase, 'magenta')],
      ['status', statusSpan(contract.status)],
      ['supervisor', contract.supervisorTaskId ?? span('none yet', 'dim')],
      ['repository', contract.repository ?? ''],
      ['created', localTime(contract.createdAt)],
      ['changed', localTime(contract.updatedAt)],
      ['description', oneLine(contract.description)],
    ],
    width,
  );

export function taskTable(tasks: readonly Task[], width: number): readonly Line[] {
  const idOf = idShortener(
    tasks.map(({ id }) => id),
    whole(width),
  );
  return tableLines(
    [{ head: 'task' }, { head: 'status' }, { head: 'created' }, { head: 'name', narrow: 'cut' }],
    tasks.map((task) => [
      span(idOf(task.id), 'bold'),
      statusSpan(task.status),
      localTime(task.createdAt),
      nameOf(task),
    ]),
    width,
  );
}

const nameOf = ({ name, isSupervisor, forkedFromTaskId, parentTaskId }: Task): Line =>
  line(
    isSupervisor ? span('supervisor  ', 'magenta') : undefined,
    forkedFromTaskId === null ? undefined : span('fork  ', 'yellow'),
    parentTaskId === null ? undefined : span('└ ', 'dim'),
    oneLine(name),
  );

export const taskFacts = (task: Task, width: number): readonly Line[] =>
  factLines(
    [
      ['task', span(task.id, 'bold')],
      ['name', nameOf(task)],
      ['status', statusSpan(task.status)],
      ['contract', task.contractId ?? ''],
      ['parent', task.parentTaskId ?? ''],
      ['forked from', task.forkedFromTaskId ? forkText(task) : ''],
      ['continues', task.continueFromTaskId ?? ''],
      ['checkpoints', task.checkpointCount > 0 ? checkpointText(task) : ''],
      ['pending', task.pendingTaskIds.join(' ')],
      [
        'source',
        task.source
          ? [task.source.agent, task.source.agentVersion, task.source.sessionId].filter(Boolean).join(' ')
          : '',
      ],
      ['folder', task.source?.cwd ?? ''],
      ['git branch', task.source?.gitBranch ?? ''],
      ['created', localTime(task.createdAt)],
      ['ended', task.completedAt ? localTime(task.completedAt) : ''],
      ['changed', localTime(task.updatedAt)],
      ['plan', oneLine(task.plan)],
    ],
    width,
  );

const checkpointText = ({ checkpointCount, lastCheckpointSha, checkpointMessage }: Task): string =>
  `${count(checkpointCount)}, last ${(lastCheckpointSha ?? '').slice(0, 10)} ${oneLine(checkpointMessage ?? '', 120)}`.trim();

const forkText = ({ forkedFromTaskId, fork }: Task): string =>
  fork
    ? `${forkedFromTaskId} at ${fork.point.type.replace('_id', '')} ${fork.point.value ?? ''}`
    : (forkedFromTaskId ?? '');

/** A task's checkpoints; with their files if wanted. */
export function checkpointLines(
  checkpoints: readonly Checkpoint[],
  width: number,
  withFiles: boolean,
): readonly Line[] {
  const inPipe = whole(width);
  const cells = (checkpoint: Checkpoint) => [
    span(String(checkpoint.checkpointNumber), 'bold'),
    span(inPipe ? checkpoint.commitSha : checkpoint.commitSha.slice(0, 10), 'yellow'),
    inPipe ? localTime(checkpoint.createdAt) : (partsOf(checkpoint.createdAt)?.time ?? checkpoint.createdAt),
    count(filesIn(checkpoint)),
    span(`+${count(checkpoint.linesAdded)}`, 'green'),
    span(`−${count(checkpoint.linesRemoved)}`, 'red'),
    checkpoint.branchName ?? '',
    checkpoint.isSafe ? 'safe' : span('recorded', 'dim'),
    oneLine(checkpoint.message),
  ];
  return tableLines(
    [
      { head: '#', align: 'right' },
      { head: 'commit' },
      { head: 'time' },
      { head: 'files', align: 'right' },
      { head: '+', align: 'right' },
      { head: '−', align: 'right' },
      { head: 'branch', narrow: 'cut' },
      { head: 'code' },
      { head: 'message', narrow: 'wrap' },
    ],
    checkpoints.flatMap((checkpoint, index) => [
      // On a terminal each day has a heading, and so do times have room.
      ...(inPipe ? [] : dayRows(checkpoint, checkpoints[index - 1])),
      cells(checkpoint),
      ...(withFiles ? fileRows(checkpoint).map((heading) => ({ heading })) : []),
    ]),
    width,
  );
}

function dayRows({ createdAt }: Checkpoint, before: Checkpoint | undefined): readonly Row[] {
  const day = dayHeading(createdAt);
  const isNew = day !== undefined && day !== (before && dayHeading(before.createdAt));
  return isNew ? [{ heading: line(span(day, 'bold')) }] : [];
}

const fileRows = (checkpoint: Checkpoint): readonly Line[] =>
  indented(
    [
      ...checkpoint.filesChanged.map((file) => line(...fileParts(file))),
      ...truncatedLines(checkpoint),
      ...checkpoint.leftOut.map(({ path, reason }) =>
        line(span(`not in it: ${path} (${reason.replaceAll('_', ' ')})`, 'yellow')),
      ),
    ],
    '      ',
  );

export function snapshotTable(snapshots: readonly Snapshot[], width: number): readonly Line[] {
  const idOf = idShortener(
    snapshots.map(({ id }) => id),
    whole(width),
  );
  return tableLines(
    [
      { head: 'snapshot' },
      { head: 'type' },
      { head: 'messages', align: 'right' },
      { head: 'time' },
      { head: 'note', narrow: 'wrap' },
    ],
    snapshots.map(({ id, snapshotType, messageCount, createdAt, note }) => [
      span(idOf(id), 'bold'),
      snapshotType,
      count(messageCount),
      localTime(createdAt),
      oneLine(note ?? ''),
    ]),
    width,
  );
}
