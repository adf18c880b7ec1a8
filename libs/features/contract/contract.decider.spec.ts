import { given } from '#libs/testing/decider-spec.js';
import { contractDecider } from './contract.decider.js';
import type { ContractEvent } from './contract.events.js';

const created: ContractEvent = {
  type: 'ContractCreated',
  data: { contractId: 'c1', name: 'work', description: '', phase: 'research', repository: null },
};

describe('a contract', () => {
  it('is created once', () => {
    given(contractDecider).when({ type: 'CreateContract', data: created.data }).then(created);
    given(contractDecider, created)
      .when({ type: 'CreateContract', data: created.data })
      .refused('CONTRACT_EXISTS');
  });

  it('moves between phases, and staying is no event', () => {
    given(contractDecider, created)
      .when({ type: 'ChangePhase', newPhase: 'plan' })
      .then({ type: 'ContractPhaseChanged', data: { previousPhase: 'research', newPhase: 'plan' } });
    given(contractDecider, created).when({ type: 'ChangePhase', newPhase: 'research' }).then();
  });

  it('names the former supervisor when it gets another', () => {
    const first: ContractEvent = {
      type: 'ContractSupervisorSet',
      data: { taskId: 't1', previousTaskId: null },
    };
    given(contractDecider, created).when({ type: 'SetSupervisor', taskId: 't1' }).then(first);
    given(contractDecider, created, first)
      .when({ type: 'SetSupervisor', taskId: 't2' })
      .then({ type: 'ContractSupervisorSet', data: { taskId: 't2', previousTaskId: 't1' } });
  });

  it('does nothing before it exists', () => {
    given(contractDecider).when({ type: 'ChangePhase', newPhase: 'plan' }).refused('CONTRACT_UNKNOWN');
  });
});
