import { refuse, type Decider } from '#libs/kernel/decider.js';
import type { ContractEvent, ContractStatus, Phase } from './contract.events.js';

export type ContractState =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'open';
      readonly phase: Phase;
      readonly status: ContractStatus;
      readonly supervisorTaskId: string | null;
      readonly version: number;
    };

export type ContractCommand =
  | {
      readonly type: 'CreateContract';
      readonly data: Extract<ContractEvent, { type: 'ContractCreated' }>['data'];
    }
  | { readonly type: 'ChangePhase'; readonly newPhase: Phase }
  | { readonly type: 'ChangeContractStatus'; readonly newStatus: ContractStatus }
  | { readonly type: 'SetSupervisor'; readonly taskId: string };

export type ContractRefusal = 'CONTRACT_UNKNOWN' | 'CONTRACT_EXISTS';

export const contractDecider: Decider<ContractState, ContractCommand, ContractEvent, ContractRefusal> = {
  initial: { kind: 'none' },
  decide(command, state) {
    if (command.type === 'CreateContract') {
      return state.kind === 'none'
        ? [{ type: 'ContractCreated', data: command.data }]
        : refuse('CONTRACT_EXISTS', `There is a contract ${command.data.contractId} already.`);
    }
    if (state.kind === 'none') return refuse('CONTRACT_UNKNOWN', 'There is no such contract.');
    switch (command.type) {
      case 'ChangePhase':
        if (command.newPhase === state.phase) return [];
        return [
          { type: 'ContractPhaseChanged', data: { previousPhase: state.phase, newPhase: command.newPhase } },
        ];
      case 'ChangeContractStatus':
        if (command.newStatus === state.status) return [];
        return [
          {
            type: 'ContractStatusChanged',
            data: { previousStatus: state.status, newStatus: command.newStatus },
          },
        ];
      case 'SetSupervisor': {
        const { supervisorTaskId } = state;
        if (supervisorTaskId === command.taskId) return [];
        return [
          {
            type: 'ContractSupervisorSet',
            data: { taskId: command.taskId, previousTaskId: supervisorTaskId },
          },
        ];
      }
    }
  },
  evolve(state, event) {
    if (event.type === 'ContractCreated') {
      return { kind: 'open', phase: event.data.phase, status: 'active', supervisorTaskId: null, version: 1 };
    }
    if (state.kind === 'none') return state;
    const next = { ...state, version: state.version + 1 };
    switch (event.type) {
      case 'ContractPhaseChanged':
        return { ...next, phase: event.data.newPhase };
      case 'ContractStatusChanged':
        return { ...next, status: event.data.newStatus };
      case 'ContractSupervisorSet':
        return { ...next, supervisorTaskId: event.data.taskId };
    }
  },
};
