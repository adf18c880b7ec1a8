import pg from 'pg';
import { GENESIS, parseMetadata, verifies } from '#libs/event-store/event-hash.js';
import type { StoredEvent } from '#libs/event-store/event-store.js';
import { textOf } from './activity.js';
import type { Acknowledged } from './load.js';

/** An event as the table holds it: read here with SQL of our own, so that no reader of makima's can hide anything. */
interface EventRow {
  readonly position: string;
  readonly stream: string;
  readonly version: string;
  readonly event_id: string;
  readonly schema_version: number;
  readonly type: string;
  readonly recorded_at: Date;
  readonly metadata: Buffer;
  readonly body: Buffer;
  readonly body_hash: Buffer;
  readonly hash: Buffer;
}

interface StreamEnd {
  readonly version: number;
  readonly hash: Buffer;
}

const PAGE = 2_000;
const EVENTS = `SELECT e.position, s.name AS stream, e.version, e.event_id, e.schema_version, e.type, e.recorded_at,
  e.metadata, e.body, e.body_hash, e.hash
  FROM events e LEFT JOIN streams s ON s.id = e.stream_id WHERE e.position > $1 ORDER BY e.position LIMIT ${PAGE}`;

/**
 * Reads the log from end to end and says everything that is wrong with it. Called again it goes on from where it was, so
 * that a long run costs no more than its log; a new one reads all of it.
 */
export class LogCheck {
  #position = 0n;
  readonly #streams = new Map<string, StreamEnd>();
  /** Position of each event. */
  readonly #events = new Map<string, bigint>();
  readonly #findings: string[] = [];

  /** @param carriesText which events say what follows from their id. */
  constructor(
    private readonly url: string,
    private readonly carriesText: (row: Pick<EventRow, 'type' | 'event_id'>) => boolean = isOurs,
  ) {}

  /** Number of events read so far. */
  get events(): number {
    return this.#events.size;
  }

  /** @returns what is wrong, a line each; nothing may be appended meanwhile. */
  async run(acknowledged: ReadonlyMap<string, Acknowledged>): Promise<readonly string[]> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'log-check' });
    await client.connect();
    try {
      for (let rows = PAGE; rows === PAGE;) {
        const page = await client.query<EventRow>(EVENTS, [this.#position]);
        for (const row of page.rows) this.#take(row);
        rows = page.rows.length;
      }
      await this.#compareHeads(client);
    } finally {
      await client.end();
    }
    this.#compareAcknowledged(acknowledged);
    return this.#findings;
  }

  #take(row: EventRow): void {
    const position = BigInt(row.position);
    for (let due = this.#position + 1n; due < position; due += 1n) this.#say(`position ${due} is missing`);
    this.#position = position;
    if (this.#events.has(row.event_id)) this.#say(`event ${row.event_id} stands twice`);
    this.#events.set(row.event_id, position);
    this.#link(row);
  }

  /** Checks an event's place in its stream, and its hash on that of the one before. */
  #link(row: EventRow): void {
    const { stream, hash } = row;
    const version = Number(row.version);
    const before = this.#streams.get(stream) ?? { version: 0, hash: GENESIS };
    for (let due = before.version + 1; due < version; due += 1) this.#say(`${stream} has no version ${due}`);
    if (version <= before.version) this.#say(`${stream} has version ${version} after ${before.version}`);
    // After a gap the hash before is not known, and the gap has been said.
    const known = version === before.version + 1;
    if (known && !verifies(stored(row), before.hash))
      this.#say(`${stream}, version ${version}, does not verify`);
    if (this.carriesText(row) && !row.body.includes(JSON.stringify(textOf(row.event_id)).slice(1, -1)))
      this.#say(`event ${row.event_id} does not say what was sent`);
    this.#streams.set(stream, { version, hash });
  }

  async #compareHeads(client: pg.Client): Promise<void> {
    const head = await client.query<{ position: string }>('SELECT position FROM log_head');
    if (head.rows.length !== 1 || BigInt(head.rows[0]!.position) !== this.#position)
      this.#say(`log_head is not at ${this.#position}: ${JSON.stringify(head.rows)}`);
    const { rows } = await client.query<{ name: string; version: string; hash: Buffer }>(
      'SELECT name, version, hash FROM streams',
    );
    for (const { name, version, hash } of rows) {
      const end = this.#streams.get(name);
      if (end?.version !== Number(version) || !end.hash.equals(hash))
        this.#say(`${name} is said to end at version ${version}, it ends at ${end?.version ?? 0}`);
    }
  }

  #compareAcknowledged(acknowledged: ReadonlyMap<string, Acknowledged>): void {
    for (const [id, { position }] of acknowledged) {
      const found = this.#events.get(id);
      if (found === undefined) this.#say(`event ${id} was acknowledged and is lost`);
      else if (found > position) this.#say(`event ${id} was acknowledged before its position ${found}`);
    }
  }

  #say(finding: string): void {
    if (!this.#findings.includes(finding)) this.#findings.push(finding);
  }
}

/** Whether the load wrote it: its own events carry the text that follows from their id. */
const OURS = new Set([
  'TaskOutputRecorded',
  'MessageRecorded',
  'ToolResultRecorded',
  'TaskStatusChanged',
  'TaskFilesChanged',
  'AgentLineKept',
  'CheckpointRecorded',
]);
const isOurs = ({ type }: Pick<EventRow, 'type'>): boolean => OURS.has(type);

const stored = (row: EventRow): StoredEvent => ({
  id: row.event_id,
  type: row.type,
  schemaVersion: row.schema_version,
  metadata: parseMetadata(row.metadata),
  body: row.body,
  stream: row.stream,
  version: Number(row.version),
  position: BigInt(row.position),
  recordedAt: row.recorded_at,
  metadataBytes: row.metadata,
  bodyHash: row.body_hash,
  hash: row.hash,
});
