import type { TranscriptSession } from '#libs/agents/transcripts/transcript.js';
import { deriveId } from '#libs/event-store/event-hash.js';

/** What tells a session from all others of an owner, for ever. */
export interface SessionKey {
  readonly agent: string;
  /** The session's id; for an agent whose sub-agents have ids within their session only, that session's id before it. */
  readonly names: readonly string[];
}

/** @param mainId the id of the session that the transcript's sub-agents belong to. */
export const keyOf = (
  { agent, sessionId, parent }: Pick<TranscriptSession, 'agent' | 'sessionId' | 'parent'>,
  mainId: string,
): SessionKey => ({
  agent,
  names: parent && agent === 'claude-code' ? [mainId, sessionId] : [sessionId],
});

/** The ids that an owner's session gets in makima: the same at every import, so that nothing is recorded twice. */
export class ImportIds {
  constructor(
    readonly ownerId: string,
    readonly key: SessionKey,
  ) {}

  get taskId(): string {
    return this.#derive('task');
  }

  /** Of the contract that a session gets when none was named. */
  get contractId(): string {
    return this.#derive('contract');
  }

  /** Of the event that records an entry. */
  event(sourceId: string): string {
    return this.#derive('entry', sourceId);
  }

  /** Of an event that no entry stands for. */
  other(what: string, ...names: readonly string[]): string {
    return this.#derive(what, ...names);
  }

  #derive(what: string, ...names: readonly string[]): string {
    const { agent, names: session } = this.key;
    return deriveId(`import ${what}`, this.ownerId, agent, String(session.length), ...session, ...names);
  }
}

/** The id of the event that gives an entry another content, told from further contents by its hash. */
export const amendmentId = (eventId: string, hash: string): string =>
  deriveId('import amendment', eventId, hash);
