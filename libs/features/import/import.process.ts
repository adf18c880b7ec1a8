import { Inject, Injectable, Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { Outline } from '#libs/agents/transcripts/transcript-outline.js';
import { ReadingFailed } from '#libs/agents/transcripts/transcript-reader.js';
import {
  TranscriptReading,
  type ReadingSource,
  type Transcripts,
} from '#libs/agents/transcripts/transcript-reading.js';
import type { SizedFile } from '#libs/agents/transcripts/transcript-shelf.js';
import { TooManyWaiting } from '#libs/agents/transcripts/turns.js';
import type { StreamStates } from '#libs/commands/stream-states.js';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { EventCodec } from '#libs/event-store/codec.js';
import { EventStore } from '#libs/event-store/event-store.js';
import { assertContract, notFound } from '#libs/kernel/caller.js';
import { positionToken } from '#libs/kernel/position.js';
import { Problem } from '#libs/kernel/problem.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { CONTRACT_STATES } from '../contract/contract.commands.js';
import type { ContractState } from '../contract/contract.decider.js';
import type { ContractEvent } from '../contract/contract.events.js';
import { contractOf } from '../contract/contract.queries.js';
import { tasksThatBeginWith } from './fork-source.queries.js';
import { ForkSources } from './fork-sources.js';
import { ImportRun, ImportStopped } from './import-run.js';
import { totalsOf, type ImportReport, type TranscriptReport } from './import.report.js';
import { KnownTasks } from './known-tasks.js';
import { SessionImport } from './session-import.js';
import { SessionRecorder } from './session-recorder.js';
import { TranscriptImport } from './transcript-import.js';
import { inOrder, related } from './transcript-order.js';

/** `done` and `total` are bytes of the files. */
export interface ImportProgress {
  readonly done: number;
  readonly total: number;
  readonly file: string;
}

export interface ImportWanted {
  readonly contractId: string | undefined;
  readonly dryRun: boolean;
  /** Aborts when nobody waits for the import any more. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ImportProgress) => void;
}

type Refused = ImportReport['refused'];

const MAX_REFUSED = 200;

/** Imports what agents wrote. */
@Injectable()
export class Imports {
  readonly #logger = new Logger('import');
  readonly #reading = new TranscriptReading();

  constructor(
    private readonly commands: CommandBus,
    private readonly reads: ReadModels,
    @Inject(EventStore) private readonly store: EventStore,
    @Inject(EventCodec) private readonly codec: EventCodec,
    @Inject(BlobStore) private readonly blobs: BlobStore,
    @Inject(CONTRACT_STATES) private readonly contracts: StreamStates<ContractState, ContractEvent>,
  ) {}

  /**
   * Imports the transcripts among some files, each after those that it may be a fork of. Importing again adds only what
   * is new.
   * @throws Problem IMPORT_UNREADABLE when no file is a transcript, IMPORTED_ELSEWHERE when all of it stands in another
   * contract, NOT_FOUND for a contract that the caller does not reach.
   */
  async import(source: ReadingSource, wanted: ImportWanted, context: RequestContext): Promise<ImportReport> {
    await this.#level(wanted.signal);
    const contractId = await this.#contractOf(wanted.contractId, context);
    const read = await this.#reading.open(source, wanted.signal).catch(explain);
    try {
      return await this.#importAll(read, source.files, { ...wanted, contractId }, context);
    } finally {
      read.close();
    }
  }

  async #importAll(
    read: Transcripts,
    files: readonly SizedFile[],
    { contractId, dryRun, signal, onProgress }: ImportWanted,
    context: RequestContext,
  ): Promise<ImportReport> {
    const { found, refused } = read.survey;
    if (found.length === 0) throw unreadable(refused);
    const progress = new Progress(files, onProgress);
    const run = new ImportRun(this.commands, context, dryRun, signal, (entries) =>
      progress.recorded(entries),
    );
    const tasks = new KnownTasks(this.store, this.codec);
    const importer = this.#importer(run, tasks, contractId, context);
    const needed = related(found);
    const transcripts: TranscriptReport[] = [];
    for (const outline of inOrder(found)) {
      // Between two transcripts, others have their turn.
      await new Promise((resolve) => setImmediate(resolve));
      run.assertWanted();
      progress.start(outline);
      const transcript = await read.take(found.indexOf(outline)).catch(explain);
      transcripts.push(await importer.import(outline.files, transcript));
      tasks.settle(needed.has(outline));
      progress.finish(outline);
    }
    assertSomeHere(transcripts, context);
    // What was found there, another import may have written just now: by the present head it can be read too.
    const last = run.position > 0n ? run.position : await this.store.head();
    await this.#visible(last);
    const position = positionToken(last);
    return { dryRun, position, transcripts, refused, totals: totalsOf(transcripts) };
  }

  #importer(
    run: ImportRun,
    tasks: KnownTasks,
    contractId: string | undefined,
    { caller }: RequestContext,
  ): TranscriptImport {
    const beginningWith = (sourceId: string): Promise<readonly string[]> =>
      this.reads.read({ caller }, (db) => tasksThatBeginWith(db, sourceId));
    const sources = new ForkSources(caller.ownerId, tasks, beginningWith, caller.contractId);
    const recorder = new SessionRecorder(run, tasks, this.blobs);
    const sessions = new SessionImport(run, tasks, sources, recorder);
    return new TranscriptImport(run, tasks, sessions, this.contracts, contractId, (error) =>
      this.#logger.error(error instanceof Error ? error.stack : String(error)),
    );
  }

  /** The contract to import into; a tool key's own. */
  async #contractOf(wanted: string | undefined, { caller }: RequestContext): Promise<string | undefined> {
    const contractId = wanted ?? caller.contractId;
    if (contractId === undefined) return undefined;
    if (caller.contractId !== undefined) assertContract(caller, contractId);
    await this.reads.read({ caller }, async (db) => {
      if (!(await contractOf(db, contractId))) throw notFound('contract', contractId);
    });
    return contractId;
  }

  /** Waits until read models know the sources that transcripts may be forks of; after a big import that takes a while. */
  async #level(signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.reads.catchUpWithLog();
      } catch (error) {
        if (!isBehind(error) || attempt >= MAX_WAITS || signal.aborted) throw error;
      }
    }
  }

  /** Waits a while until what was imported can be read; whoever needs to be sure reads with `minPosition`. */
  async #visible(position: bigint): Promise<void> {
    try {
      await this.reads.catchUp(position);
    } catch (error) {
      if (!isBehind(error)) throw error;
    }
  }
}

/** Each of them takes some seconds. */
const MAX_WAITS = 20;

const isBehind = (error: unknown): boolean => error instanceof Problem && error.code === 'READ_MODEL_BEHIND';

/** What became of reading, as an answer. */
function explain(error: Error): never {
  if (error.name === 'AbortError') throw new ImportStopped('the client has left', { cause: error });
  if (error instanceof TooManyWaiting)
    throw new Problem('OVERLOADED', 'Too many imports are under way. Try again in a while.', {
      retryAfter: 60,
    });
  if (error instanceof ReadingFailed) throw new Problem('IMPORT_UNREADABLE', error.message);
  throw error;
}

const unreadable = (refused: Refused): Problem =>
  new Problem('IMPORT_UNREADABLE', whyUnreadable(refused), {
    context: { refused: refused.slice(0, MAX_REFUSED) },
  });

function whyUnreadable(refused: Refused): string {
  const [first] = refused;
  if (refused.length === 1) return `${first!.name}: ${first!.reason}.`;
  return `None of the ${refused.length} files is a transcript that can be read. ${first?.name ?? ''}: ${first?.reason ?? ''}.`;
}

/** @throws Problem IMPORTED_ELSEWHERE when everything sent stands in another contract. */
function assertSomeHere(transcripts: readonly TranscriptReport[], { caller }: RequestContext): void {
  if (!transcripts.every(({ problem }) => problem?.code === 'IMPORTED_ELSEWHERE')) return;
  const sessions = transcripts.flatMap((transcript) => transcript.sessions.map(({ sessionId }) => sessionId));
  const context =
    caller.contractId === undefined ? { context: { sessions: sessions.slice(0, MAX_REFUSED) } } : {};
  throw new Problem('IMPORTED_ELSEWHERE', transcripts[0]!.problem!.detail, context);
}

/** How far an import is, in bytes of its files. */
class Progress {
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #total: number;
  #done = 0;
  #now: Outline | undefined;
  #entries = 0;

  constructor(
    files: readonly SizedFile[],
    private readonly tell: (progress: ImportProgress) => void,
  ) {
    this.#sizes = new Map(files.map(({ name, size }) => [name, size]));
    this.#total = files.reduce((sum, { size }) => sum + size, 0);
  }

  start(outline: Outline): void {
    this.#now = outline;
    this.#entries = 0;
    this.#tell(0);
  }

  recorded(entries: number): void {
    this.#entries += entries;
    const all = Math.max(this.#now?.entries ?? 0, this.#entries, 1);
    this.#tell(Math.floor((this.#sizeOf(this.#now) * this.#entries) / all));
  }

  finish(outline: Outline): void {
    this.#done += this.#sizeOf(outline);
    this.#now = outline;
    this.#tell(0);
  }

  #tell(more: number): void {
    this.tell({ done: this.#done + more, total: this.#total, file: this.#now?.files[0] ?? '' });
  }

  #sizeOf(outline: Outline | undefined): number {
    return (outline?.files ?? []).reduce((sum, name) => sum + (this.#sizes.get(name) ?? 0), 0);
  }
}
