import type { DatabaseSizes, Job, ProjectionState, Replay, Verification } from '#libs/client/types-admin.js';
import { line, linesOf, indented, span, type Line } from '../terminal/styled.js';
import { safeJson } from '../terminal/neutralise.js';
import { tableLines } from '../terminal/table.js';
import { bytes, count, localTime, oneLine, statusSpan } from './format.js';

const number = (text: string): string => (/^\d{1,15}$/.test(text) ? count(Number(text)) : text);

export function projectionTable(projections: readonly ProjectionState[], width: number): readonly Line[] {
  return tableLines(
    [
      { head: 'projection' },
      { head: 'version', align: 'right' },
      { head: 'status' },
      { head: 'position', align: 'right' },
      { head: 'head', align: 'right' },
      { head: 'lag', align: 'right' },
      { head: 'note', narrow: 'wrap' },
    ],
    projections.map(({ name, version, status, position, head, lag, error, note }) => [
      span(name, 'bold'),
      String(version),
      statusSpan(status),
      number(position),
      number(head),
      lag === '0' ? span('0', 'green') : span(number(lag), 'yellow'),
      error
        ? span(
            oneLine(
              `stopped at ${error.type ?? 'event'} ${error.eventId ?? ''}: ${error.message ?? ''}`,
              300,
            ),
            'red',
          )
        : oneLine(note ?? '', 300),
    ]),
    width,
  );
}

export function comparisonLines({ equal, tables, standing }: Verification, width: number): readonly Line[] {
  const differing = tables.filter((table) => !table.equal);
  return [
    ...tableLines(
      [
        { head: 'projection' },
        { head: 'table' },
        { head: 'rows', align: 'right' },
        { head: 'rebuilt', align: 'right' },
        { head: '' },
      ],
      tables.map((table) => [
        table.projection,
        table.table,
        count(table.serving.rows),
        count(table.rebuilt.rows),
        table.equal ? span('equal', 'green') : span('DIFFERS', 'red', 'bold'),
      ]),
      width,
    ),
    ...standing.map(({ name, position, head, error }) =>
      line(
        span('✗ ', 'red'),
        oneLine(
          `${name} stands still at position ${number(position)} of ${number(head)}, because of event ${error?.eventId ?? ''} (${error?.type ?? ''}): ${error?.message ?? ''}`,
          300,
        ),
      ),
    ),
    equal ? agreed(tables.length, standing.length > 0) : differ(differing.length, tables.length),
  ];
}

const agreed = (tables: number, partly: boolean): Line =>
  partly
    ? line(`${count(tables)} tables are what the log says, of what stands still only up to there`)
    : line(span('✓ ', 'green'), `all ${count(tables)} tables are what the log says`);

const differ = (differing: number, tables: number): Line =>
  line(span('✗ ', 'red'), `${count(differing)} of ${count(tables)} tables differ from what the log says`);

/** What a rebuild or a verification left out, and for whom. */
export function skippedLines(skipped: Job['skipped'] = []): readonly Line[] {
  if (skipped.length === 0) return [];
  const events = skipped.map(({ projection, eventId }) => `${eventId} (${projection})`);
  return [
    line(
      `passed over: ${count(skipped.length)} skipped event${skipped.length === 1 ? '' : 's'}, `,
      events.join(', '),
    ),
  ];
}

/** Each event with what it changed; the whole state at the end if wanted. */
export function replayLines(
  { stream, version, events, state }: Replay,
  width: number,
  withState: boolean,
): readonly Line[] {
  return [
    line(span(stream, 'bold'), span(`  version ${count(version)}`, 'dim')),
    ...tableLines(
      [
        { head: 'version', align: 'right' },
        { head: 'time' },
        { head: 'event' },
        { head: 'changed state', narrow: 'wrap' },
      ],
      events.map((event) => [
        span(count(event.version), 'bold'),
        localTime(event.occurredAt),
        span(event.type, 'cyan'),
        changesText(event.changed),
      ]),
      width,
    ),
    ...(withState
      ? [
          [],
          line(span(`State at version ${count(version)}`, 'bold')),
          ...indented(linesOf(safeJson(state, 2)), '  '),
        ]
      : []),
  ];
}

const changesText = (changed: Readonly<Record<string, unknown>>): string =>
  Object.entries(changed)
    .map(([name, value]) => `${name} = ${oneLine(safeJson(value), 80)}`)
    .join('; ');

const LARGEST = 30;

export function sizeLines({ bytes: total, tables, owners }: DatabaseSizes, width: number): readonly Line[] {
  const rest = tables.slice(LARGEST);
  return [
    line(span('Database ', 'bold'), bytes(total)),
    [],
    ...tableLines(
      [
        { head: 'table' },
        { head: 'size', align: 'right' },
        { head: 'of which indexes', align: 'right' },
        { head: 'rows (about)', align: 'right' },
      ],
      tables
        .slice(0, LARGEST)
        .map((table) => [table.table, bytes(table.bytes), bytes(table.indexBytes), count(table.rows)]),
      width,
    ),
    ...(rest.length > 0
      ? [
          line(
            span(
              `and ${count(rest.length)} smaller ones: ${bytes(rest.reduce((sum, one) => sum + one.bytes, 0))}`,
              'dim',
            ),
          ),
        ]
      : []),
    [],
    ...tableLines(
      [
        { head: 'owner' },
        { head: 'name', narrow: 'cut' },
        { head: 'events', align: 'right' },
        { head: 'bytes of events', align: 'right' },
        { head: 'blobs', align: 'right' },
        { head: 'bytes of blobs', align: 'right' },
      ],
      owners.map((owner) => [
        owner.ownerId,
        oneLine(owner.name),
        count(owner.events),
        bytes(owner.eventBytes),
        count(owner.blobs),
        bytes(owner.blobBytes),
      ]),
      width,
    ),
  ];
}
