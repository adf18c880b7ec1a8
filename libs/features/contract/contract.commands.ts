import { deciderHandler, Dispatch } from '#libs/commands/decider-handler.js';
import { contractDecider, type ContractCommand, type ContractState } from './contract.decider.js';
import { contractStream, type ContractEvent } from './contract.events.js';

/** Token of the contracts' states in memory. */
export const CONTRACT_STATES = 'CONTRACT_STATES';

/** The shape of a stored contract state; a change of ContractState changes it. */
export const CONTRACT_STATE_SHAPE = 'contract/1';

/** A command on its way to one contract. */
export class DispatchContract extends Dispatch<ContractCommand, ContractState, ContractEvent> {}

export const ContractHandler = deciderHandler<ContractState, ContractCommand, ContractEvent>(
  DispatchContract,
  {
    stream: contractStream,
    decider: contractDecider,
    states: CONTRACT_STATES,
  },
);
