// What the API answers to people who look after it: keys, projections, the raw log, chats and imports.
import type { Paged, Positioned } from './types.js';
import type { ToolCall } from './types-conversation.js';

export interface Chat extends Positioned {
  readonly id: string;
  readonly name: string;
  readonly contractId: string | null;
  readonly status: 'open' | 'closed';
  /** Whether it is the one active chat of its contract, or of the owner's mesh. */
  readonly isActive: boolean;
  readonly messageCount: number;
  /** Questions that nobody has answered yet. */
  readonly openQuestions: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface PendingQuestion {
  readonly id: string;
  readonly question: string;
  readonly options: readonly string[];
  readonly answer: string | null;
}

/** A tool call of a chat's message, with its result where that is known. */
export interface ChatToolCall extends ToolCall {
  readonly result?: unknown;
  readonly isError?: boolean;
}

export interface ChatMessage {
  readonly id: string;
  readonly role: string;
  readonly content: string;
  /** What it is about: `mesh`, `contract` or `task`. */
  readonly contextType: string;
  readonly contextTaskId: string | null;
  readonly toolCalls: readonly ChatToolCall[];
  readonly pendingQuestions: readonly PendingQuestion[];
  readonly createdAt: string;
}

export interface ChatMessages extends Paged {
  readonly messages: readonly ChatMessage[];
}

/** Who a key is. */
export interface WhoAmI {
  readonly ownerId: string;
  readonly kind: string;
  readonly keyId: string;
  readonly scopes: readonly string[];
  readonly contractId?: string | null;
  readonly name?: string | null;
}

export interface AccessKey {
  readonly id: string;
  readonly kind: string;
  readonly name?: string | null;
  readonly scopes: readonly string[];
  readonly contractId?: string | null;
  readonly createdAt: string;
  readonly expiresAt?: string | null;
  readonly revokedAt?: string | null;
  readonly lastUsedAt?: string | null;
  /** The key itself: only in the answer that created it. */
  readonly token?: string;
}

export interface ProjectionState {
  readonly name: string;
  readonly version: number;
  readonly schema: string;
  readonly position: string;
  readonly head: string;
  /** Positions between it and the log's head. */
  readonly lag: string;
  readonly status: string;
  /** The event that stopped it. */
  readonly error: {
    readonly eventId?: string;
    readonly position?: string;
    readonly type?: string;
    readonly message?: string;
  } | null;
  /** What its position means for those who read, where that is out of the ordinary. */
  readonly note?: string | null;
  readonly updatedAt: string;
}

/** A rebuild or a verification that runs in the server. */
export interface Job<Result = unknown> {
  readonly id: string;
  readonly kind: string;
  readonly names: readonly string[];
  readonly status: 'running' | 'done' | 'failed';
  /** What it is at: `waiting` for other work on the same projections, `reading` the log, `indexing`, `swapping`, `comparing`. */
  readonly step: string;
  /** What was in the way, while it waits to be tried again. */
  readonly trouble?: string;
  readonly position: string;
  readonly head: string;
  readonly startedAt: string;
  readonly finishedAt?: string;
  /** Events that were passed over, because an admin had skipped them. */
  readonly skipped?: readonly {
    readonly projection: string;
    readonly eventId: string;
    readonly position: string;
  }[];
  readonly result?: Result;
  readonly error?: string;
}

/** What a rebuild would do. */
export interface RebuildPreview {
  readonly dryRun: true;
  readonly names: readonly string[];
  readonly head: string;
  readonly serving: readonly ProjectionState[];
}

export interface TableComparison {
  readonly projection: string;
  readonly table: string;
  readonly equal: boolean;
  readonly serving: { readonly rows: number; readonly hash: string };
  readonly rebuilt: { readonly rows: number; readonly hash: string };
}

export interface Verification {
  readonly equal: boolean;
  /** Read models that stand still: they were compared up to there only. */
  readonly standing: readonly Pick<ProjectionState, 'name' | 'position' | 'head' | 'error'>[];
  readonly tables: readonly TableComparison[];
}

/** Lets a read model go on that an event has stopped. */
export interface Release {
  readonly eventId: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

export interface Released {
  readonly name: string;
  readonly eventId: string;
  readonly dryRun: boolean;
  readonly position?: string;
}

/** A stream event by event, and the state after the last one. */
export interface Replay {
  readonly stream: string;
  readonly version: number;
  readonly events: readonly {
    readonly version: number;
    readonly position: string;
    readonly id: string;
    readonly type: string;
    readonly occurredAt: string;
    readonly recordedAt: string;
    readonly data: unknown;
    /** The parts of the state that the event changed, as they were after it. */
    readonly changed: Readonly<Record<string, unknown>>;
  }[];
  readonly state: unknown;
}

export interface DatabaseSizes {
  readonly bytes: number;
  readonly tables: readonly {
    readonly table: string;
    readonly rows: number;
    readonly bytes: number;
    readonly indexBytes: number;
  }[];
  readonly owners: readonly {
    readonly ownerId: string;
    readonly name: string;
    readonly events: number;
    readonly eventBytes: number;
    readonly blobs: number;
    readonly blobBytes: number;
  }[];
}

/** A raw event, as it is stored. Hashes are SHA-256 as hex. */
export interface AuditEvent {
  readonly position: string;
  readonly stream: string;
  readonly version: number;
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly recordedAt: string;
  readonly metadata: {
    readonly actor: { readonly kind: string; readonly id: string };
    readonly occurredAt: string;
  };
  /** Null where it is no JSON: see bodyText. */
  readonly body: unknown;
  readonly bodyText?: string;
  readonly bodyHash: string;
  /** Hash of the event before it in its stream; null if that event is missing. */
  readonly previousHash: string | null;
  readonly hash: string;
}

/** What recomputing the log's hashes found. */
export interface LogVerification {
  readonly ok: boolean;
  readonly events: number;
  readonly streams: number;
  /** Position of the last event that was looked at. */
  readonly position: string;
  /** The first event, along the log, that is not as it was recorded. */
  readonly firstBroken?: {
    readonly stream: string;
    readonly version: number;
    readonly position: string | null;
    readonly id: string | null;
    readonly reason: string;
    readonly detail: string;
  };
}

/** How far a verification is. */
export interface VerificationProgress {
  readonly events: number;
  readonly position: string;
  readonly head: string;
}

export interface Health {
  /** `ok`, or `degraded` when a projection has stopped. */
  readonly status: string;
  readonly head: string;
  readonly projected: string;
  readonly failedProjections?: readonly string[];
  readonly buildingProjections?: readonly string[];
}
