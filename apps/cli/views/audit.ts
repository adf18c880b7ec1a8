import type { AuditEvent, LogVerification } from '#libs/client/types-admin.js';
import { safeJson } from '../terminal/neutralise.js';
import { line, linesOf, span, type Line } from '../terminal/styled.js';
import { factLines, tableLines } from '../terminal/table.js';
import { counted, localTime, oneLine } from './format.js';

const actorOf = ({ metadata: { actor } }: AuditEvent): string => `${actor.kind} ${actor.id}`;

const bodyOf = ({ body, bodyText }: AuditEvent): string => bodyText ?? safeJson(body);

/** Ids are shortened on a terminal, where the body would have no room. */
export const auditTable = (events: readonly AuditEvent[], width: number): readonly Line[] => {
  const short = Number.isFinite(width);
  return tableLines(
    [
      { head: 'position', align: 'right' },
      { head: 'recorded' },
      { head: 'stream' },
      { head: 'v', align: 'right' },
      { head: 'type' },
      { head: 'by' },
      { head: 'body', narrow: 'cut' },
    ],
    events.map((event) => [
      span(event.position, 'bold'),
      localTime(event.recordedAt),
      short ? event.stream.replace(/^([a-z]+-[^-]*)-.*$/, '$1') : event.stream,
      String(event.version),
      span(event.type, 'cyan'),
      short ? actorOf(event).replace(/ ([0-9a-f]{8})[0-9a-f-]{8,}$/, ' $1') : actorOf(event),
      span(oneLine(bodyOf(event), 300), 'dim'),
    ]),
    width,
  );
};

export const auditFacts = (event: AuditEvent, width: number): readonly Line[] => [
  ...factLines(
    [
      ['position', span(event.position, 'bold')],
      ['stream', `${event.stream}, version ${event.version}`],
      ['type', line(span(event.type, 'cyan'), `, schema version ${event.schemaVersion}`)],
      ['id', event.id],
      ['recorded', localTime(event.recordedAt)],
      ['happened', localTime(event.metadata.occurredAt)],
      ['by', actorOf(event)],
      ['hash', event.hash],
      ['hash before', event.previousHash ?? span('that event is missing', 'red')],
      ['body hash', event.bodyHash],
    ],
    width,
  ),
  line(span('metadata', 'dim')),
  ...linesOf(safeJson(event.metadata, 2)),
  line(span('body', 'dim')),
  ...linesOf(event.bodyText ?? safeJson(event.body, 2)),
];

/** What recomputing the hashes found. */
export function logVerificationLines({ ok, events, streams, firstBroken }: LogVerification): readonly Line[] {
  const checked = `${counted(events, 'event')} in ${counted(streams, 'stream')}`;
  if (ok || !firstBroken) return [line(span('✓ ', 'green'), `the hashes of ${checked} hold`)];
  const { position, stream, version, reason, detail } = firstBroken;
  return [
    line(span('✗ ', 'red'), `the log was changed after it was written; ${checked} before that hold`),
    line(
      span('first broken event: ', 'bold'),
      `${stream} version ${version}${position === null ? '' : `, position ${position}`}`,
    ),
    line(`  ${oneLine(detail)} `, span(reason, 'dim')),
    ...(position === null ? [] : [line(span(`  see it with: makima audit show ${position}`, 'dim'))]),
  ];
}
