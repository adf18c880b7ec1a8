// Stream `contract-<id>`: one piece of work and the phase it is in.
// Starts with ContractCreated. Never ends: a completed or archived contract can be read and reopened for ever.

export const PHASES = ['research', 'specify', 'plan', 'execute', 'review'] as const;
export type Phase = (typeof PHASES)[number];

export const CONTRACT_STATUSES = ['active', 'completed', 'archived'] as const;
export type ContractStatus = (typeof CONTRACT_STATUSES)[number];

export type ContractEvent =
  | {
      readonly type: 'ContractCreated';
      readonly data: {
        readonly contractId: string;
        readonly name: string;
        readonly description: string;
        readonly phase: Phase;
        /** Path or URL of the repository that the work is about. */
        readonly repository: string | null;
      };
    }
  | {
      readonly type: 'ContractPhaseChanged';
      readonly data: { readonly previousPhase: Phase; readonly newPhase: Phase };
    }
  | {
      readonly type: 'ContractStatusChanged';
      readonly data: { readonly previousStatus: ContractStatus; readonly newStatus: ContractStatus };
    }
  | {
      readonly type: 'ContractSupervisorSet';
      readonly data: { readonly taskId: string; readonly previousTaskId: string | null };
    };

export const contractStream = (contractId: string): string => `contract-${contractId}`;
