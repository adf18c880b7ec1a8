// What the API takes and answers about tasks that go on (SPEC §3).
import type { Positioned } from './types.js';

export interface ContinueRequest {
  readonly targetDaemonId?: string;
  readonly resumeMode?: string;
  readonly checkpointSha?: string;
  readonly contextOptions?: {
    readonly maxMessages?: number;
    readonly includeToolCalls?: boolean;
    readonly includeToolResults?: boolean;
    readonly summaryMode?: boolean;
  };
  readonly maxTokens?: number;
  readonly prompt?: string;
  readonly dryRun?: boolean;
}

export interface ResumeSupervisorRequest {
  readonly targetDaemonId?: string;
  readonly resumeMode?: string;
  readonly checkpointId?: string;
  readonly additionalContext?: string;
  readonly maxTokens?: number;
  readonly dryRun?: boolean;
}

export interface ResumeFromRequest {
  readonly plan: string;
  readonly taskName?: string;
  readonly includeConversation?: boolean;
  readonly targetDaemonId?: string;
  readonly start?: boolean;
  readonly dryRun?: boolean;
}

export interface Amount {
  readonly messages: number;
  readonly toolCalls: number;
  readonly toolResults: number;
}

/** What an agent is given, or would be. */
export interface GoesOn extends Positioned {
  readonly told: {
    readonly shown: Amount;
    readonly given: Amount;
    readonly leftOut: readonly (Amount & { readonly reason: string })[];
    readonly shortened: number;
    readonly unknownCalls: number;
    readonly summary: boolean;
    /** An estimate. */
    readonly tokens: number;
  };
  readonly prompt: string;
  readonly checkpoint: {
    readonly checkpointNumber: number;
    readonly sha: string;
    readonly isSafe: boolean;
  } | null;
  readonly daemon: { readonly daemonId: string; readonly isConnected: boolean } | null;
  readonly dryRun: boolean;
  readonly rewind?: { readonly hiddenMessages: number };
}

export interface NewTaskFrom extends GoesOn {
  readonly newTaskId: string;
}
