import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { PostgresStateShelf, StreamStates } from '#libs/commands/stream-states.js';
import { Database, PATIENT_DATABASE } from '#libs/database/database.js';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { EventCodec } from '#libs/event-store/codec.js';
import { EventStore } from '#libs/event-store/event-store.js';
import { PostgresBlobStore } from '#libs/event-store/postgres/postgres-blob-store.js';
import { AccessModule } from '#libs/features/access/access.module.js';
import { AdminModule } from '#libs/features/admin/admin.module.js';
import { AuditModule } from '#libs/features/audit/audit.module.js';
import { BlobModule } from '#libs/features/blob/blob.module.js';
import { CHAT_STATE_SHAPE, CHAT_STATES } from '#libs/features/chat/chat.commands.js';
import { chatDecider } from '#libs/features/chat/chat.decider.js';
import { ChatModule } from '#libs/features/chat/chat.module.js';
import { Hubs } from '#libs/features/checkpoint/hubs.process.js';
import { CompareModule } from '#libs/features/compare/compare.module.js';
import { BlameModule } from '#libs/features/blame/blame.module.js';
import { CheckpointModule } from '#libs/features/checkpoint/checkpoint.module.js';
import { CONTRACT_STATE_SHAPE, CONTRACT_STATES } from '#libs/features/contract/contract.commands.js';
import { contractDecider } from '#libs/features/contract/contract.decider.js';
import { ContractModule } from '#libs/features/contract/contract.module.js';
import { ConversationModule } from '#libs/features/conversation/conversation.module.js';
import { ImportModule } from '#libs/features/import/import.module.js';
import { DAEMON_STATE_SHAPE, DAEMON_STATES } from '#libs/features/daemon/daemon.commands.js';
import { daemonDecider } from '#libs/features/daemon/daemon.decider.js';
import { DaemonModule } from '#libs/features/daemon/daemon.module.js';
import { DaemonTimes, StoredDaemonsAtHand } from '#libs/features/daemon/presence.js';
import { LeaseModule } from '#libs/features/lease/lease.module.js';
import { LONG_FIELDS, PROJECTIONS, UPCASTERS } from '#libs/features/projections.js';
import { DaemonsAtHand } from '#libs/features/rewind/daemons-at-hand.process.js';
import { RewindModule } from '#libs/features/rewind/rewind.module.js';
import { ResumeModule } from '#libs/features/resume/resume.module.js';
import { SupervisorModule } from '#libs/features/supervisor/supervisor.module.js';
import type { SnapshotPolicy } from '#libs/features/snapshot/snapshot.decider.js';
import { SnapshotModule } from '#libs/features/snapshot/snapshot.module.js';
import { SNAPSHOT_POLICY } from '#libs/features/task/activity.process.js';
import { TASK_STATE_SHAPE, TASK_STATES } from '#libs/features/task/task.commands.js';
import { taskDecider } from '#libs/features/task/task.decider.js';
import { TaskModule } from '#libs/features/task/task.module.js';
import { TimelineModule } from '#libs/features/timeline/timeline.module.js';
import { HttpModule } from '#libs/http/http.module.js';
import { projecting } from '#libs/projections/projecting.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { Rebuilder } from '#libs/projections/rebuild.js';
import { ProjectionRunner } from '#libs/projections/runner.js';
import { HealthController } from './health.controller.js';

/** What the process has opened before the application is put together. */
export interface Foundations {
  /** Owns the tables; writes projections, keys and blobs. */
  readonly system: Database;
  /** The same without a limit for a statement: rebuilds and verifies projections, adds up sizes. */
  readonly patient: Database;
  /** Works under the application role, which row-level security applies to. */
  readonly reader: Database;
  readonly store: EventStore;
  readonly cursorKey: Buffer;
  readonly snapshots: SnapshotPolicy;
  /** Whether this process may move the projections, or leaves them to others. */
  readonly projects: boolean;
  /** Where the hubs of checkpoints' code are. */
  readonly hubs: string;
  /** Milliseconds of silence after which a daemon loses its leases. */
  readonly leaseMs: number;
  readonly log: (line: string) => void;
}

@Global()
@Module({})
class FoundationModule {
  static forRoot({
    system,
    patient,
    reader,
    store,
    snapshots,
    projects,
    hubs,
    leaseMs,
    log,
  }: Foundations): DynamicModule {
    const blobs = new PostgresBlobStore(system);
    const codec = new EventCodec(blobs, UPCASTERS, LONG_FIELDS);
    const shelf = new PostgresStateShelf(system);
    const { runner, rebuilder } = projecting(
      { database: system, store, codec, projections: PROJECTIONS, leads: projects, log },
      patient,
    );
    const providers: Provider[] = [
      { provide: EventStore, useValue: store },
      { provide: BlobStore, useValue: blobs },
      { provide: EventCodec, useValue: codec },
      { provide: ProjectionRunner, useValue: runner },
      { provide: Rebuilder, useValue: rebuilder },
      { provide: ReadModels, useValue: new ReadModels(reader, runner, store, codec) },
      {
        provide: TASK_STATES,
        useValue: new StreamStates(taskDecider, TASK_STATE_SHAPE, store, codec, shelf),
      },
      {
        provide: CONTRACT_STATES,
        useValue: new StreamStates(contractDecider, CONTRACT_STATE_SHAPE, store, codec, shelf),
      },
      {
        provide: CHAT_STATES,
        useValue: new StreamStates(chatDecider, CHAT_STATE_SHAPE, store, codec, shelf),
      },
      {
        provide: DAEMON_STATES,
        useValue: new StreamStates(daemonDecider, DAEMON_STATE_SHAPE, store, codec, shelf),
      },
      { provide: DaemonTimes, useValue: { leaseMs } },
      { provide: Hubs, useValue: new Hubs(hubs, log) },
      { provide: DaemonsAtHand, useClass: StoredDaemonsAtHand },
      { provide: SNAPSHOT_POLICY, useValue: snapshots },
      { provide: Database, useValue: system },
      { provide: PATIENT_DATABASE, useValue: patient },
    ];
    return { module: FoundationModule, providers, exports: providers };
  }
}

/** The whole API. */
@Module({})
export class AppModule {
  static forRoot(foundations: Foundations): DynamicModule {
    return {
      module: AppModule,
      imports: [
        { ...CqrsModule.forRoot(), global: true },
        FoundationModule.forRoot(foundations),
        HttpModule.forRoot({ cursorKey: foundations.cursorKey }),
        AccessModule.forRoot({ system: foundations.system, reader: foundations.reader }),
        ContractModule,
        TaskModule,
        ConversationModule,
        SupervisorModule,
        RewindModule,
        CheckpointModule,
        DaemonModule,
        LeaseModule,
        ResumeModule,
        CompareModule,
        BlameModule,
        TimelineModule,
        ImportModule,
        ChatModule,
        SnapshotModule,
        AuditModule,
        BlobModule,
        AdminModule,
      ],
      controllers: [HealthController],
    };
  }
}
