// What the API answers to people who look after it: keys, projections, the raw log, chats and imports.
import type { Paged, Positioned, ToolCall } from './types.js';

export interface Chat extends Positioned {
  readonly id: string;
  readonly name: string;
  readonly contractId?: string | null;
  readonly isActive: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface PendingQuestion {
  readonly id: string;
  readonly question: string;
  readonly options?: readonly string[];
  readonly answer?: string | null;
}

export interface ChatMessage {
  readonly id: string;
  readonly role: string;
  readonly content: string;
  readonly contextType?: string | null;
  readonly contextTaskId?: string | null;
  readonly toolCalls?: readonly ToolCall[] | null;
  readonly pendingQuestions?: readonly PendingQuestion[] | null;
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
  readonly status: string;
  readonly position: string;
  readonly head: string;
  readonly lag: number | string;
  readonly error?: string | null;
  /** The event that stopped it. */
  readonly eventId?: string | null;
}

/** How far a rebuild or a verification is. */
export interface RebuildProgress {
  readonly id: string;
  readonly name?: string;
  readonly status: string;
  readonly position?: string | number;
  readonly head?: string | number;
  readonly error?: string | null;
}

export interface TableComparison {
  readonly table: string;
  readonly projection?: string;
  readonly rows?: number;
  readonly equal: boolean;
  readonly liveHash?: string;
  readonly rebuiltHash?: string;
}

/** A raw event, as it is stored. */
export interface AuditEvent {
  readonly position: string;
  readonly stream: string;
  readonly version: number;
  readonly id: string;
  readonly type: string;
  readonly recordedAt: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly data: unknown;
  readonly hash?: string;
  readonly previousHash?: string | null;
}

export interface InvalidLine {
  readonly line: number;
  readonly byteOffset?: number;
  readonly file?: string;
  readonly reason: string;
}

/** Where every line that was read went. */
export interface LineReport {
  readonly lines: number;
  readonly imported: number;
  readonly raw: Readonly<Record<string, number>>;
  readonly skipped: Readonly<Record<string, number>>;
  readonly blank: number;
  readonly invalid: readonly InvalidLine[];
  readonly notes: Readonly<Record<string, number>>;
}

export interface Health {
  readonly status: string;
  readonly version?: string;
  readonly [more: string]: unknown;
}
