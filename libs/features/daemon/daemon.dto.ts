import {
  GivesHash,
  GivesId,
  GivesIds,
  GivesInstant,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesText,
  GivesTexts,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import { PRESERVE_MODES, type PreserveMode } from '../rewind/rewind.events.js';

const STATUSES = ['connected', 'lost', 'never'] as const;

/** What a daemon sent of a task that it no longer held. */
export class RefusedOutputAnswer {
  @GivesId('The task.')
  readonly taskId!: string;

  @GivesWhole('Epoch of the lease that it spoke under.')
  readonly epoch!: number;

  @GivesWhole('Items of the batch that was refused.')
  readonly items!: number;

  @GivesId('Id of the first of them.')
  readonly firstId!: string;

  @GivesInstant('When it was refused.')
  readonly at!: string;
}

export class DaemonResponse {
  @GivesId('Id of the daemon, which it keeps in its home.')
  readonly id!: string;

  @GivesText('For people: one line.')
  readonly name!: string;

  @GivesText('Its machine.')
  readonly hostname!: string;

  @GivesText('Version of the daemon.')
  readonly version!: string;

  @GivesOneOf(
    STATUSES,
    'lost: it has closed its connection, or nothing is heard of it; never: nothing ever was.',
  )
  readonly status!: (typeof STATUSES)[number];

  @GivesInstant('When it was last heard; null: never.', { nullable: true })
  readonly lastHeartbeatAt!: string | null;

  @GivesWhole('Agents that it runs at once.')
  readonly capacity!: number;

  @GivesTexts('Runners that it has.')
  readonly runners!: readonly string[];

  @GivesIds('The tasks that run on it.')
  readonly tasks!: readonly string[];

  @GivesWhole('Bytes free on its disk; null: it has not said.', { nullable: true })
  readonly freeBytes!: number | null;

  @GivesWhole("Bytes that it has taken for tasks' folders; null: it has not said.", { nullable: true })
  readonly usedBytes!: number | null;

  @GivesWhole('Batches of tasks that it no longer held: nothing of them was recorded.')
  readonly refusedOutputs!: number;

  @GivesObject(() => RefusedOutputAnswer, 'The last of them; null: none was refused.', { nullable: true })
  readonly lastRefused!: RefusedOutputAnswer | null;

  @GivesInstant('When it said hello for the first time.')
  readonly registeredAt!: string;
}

export class DaemonsResponse {
  @GivesList(() => DaemonResponse, 'Those heard last come first; of very many the first 1,000.')
  readonly daemons!: readonly DaemonResponse[];
}

/** A commit that code goes back to. */
export class CodePointAnswer {
  @GivesId('The task that recorded the checkpoint.')
  readonly taskId!: string;

  @GivesId('Id of the checkpoint.')
  readonly checkpointId!: string;

  @GivesHash('Object id of its commit.')
  readonly commitSha!: string;

  @GivesHash("The commit that the agent's branch named; null: none, or it is not known.", { nullable: true })
  readonly headSha!: string | null;

  @GivesText('The branch that the agent saw; null: none, or it is not known.', { nullable: true })
  readonly branchName!: string | null;
}

export class PreserveAnswer {
  @GivesOneOf(PRESERVE_MODES, 'What becomes of the code as it is.')
  readonly mode!: PreserveMode;

  @GivesText('The branch to create; null: one of a name of its own, or none.', { nullable: true })
  readonly branchName!: string | null;
}

export class RevertAnswer {
  @GivesHash('The commit whose changes are taken back.')
  readonly commitSha!: string;

  @GivesHash('The commit that its changes are counted from; null: an empty folder.', { nullable: true })
  readonly previousSha!: string | null;
}

export class BeforeAnswer {
  @GivesId('Id of the checkpoint.')
  readonly checkpointId!: string;

  @GivesHash('Object id of its commit.')
  readonly commitSha!: string;
}

const PHASES = ['requested', 'committed'] as const;
const KINDS = ['checkpoint', 'revert', 'conversation'] as const;

export class RewindOrder {
  @GivesId('Id of the rewind.')
  readonly rewindId!: string;

  @GivesOneOf(PHASES, 'requested: prepare it; committed: carry it out.')
  readonly phase!: (typeof PHASES)[number];

  @GivesOneOf(
    KINDS,
    'revert: one change in the middle is taken back; conversation: the files stay, the agent is stopped.',
  )
  readonly kind!: (typeof KINDS)[number];

  @GivesObject(() => CodePointAnswer, 'Where the code goes; null: a revert whose result is not there yet.', {
    nullable: true,
  })
  readonly target!: CodePointAnswer | null;

  @GivesObject(() => RevertAnswer, 'The change to take back; absent unless that is asked for.', {
    optional: true,
  })
  readonly revert?: RevertAnswer;

  @GivesObject(() => PreserveAnswer, 'What becomes of the code as it is.')
  readonly preserve!: PreserveAnswer;

  @GivesObject(() => BeforeAnswer, 'The checkpoint of what was there before; null: not recorded yet.', {
    nullable: true,
  })
  readonly before!: BeforeAnswer | null;
}

export class CheckpointOrder {
  @GivesId('Id of the request.')
  readonly requestId!: string;

  @GivesText('Message for the checkpoint; null: none was given.', { nullable: true })
  readonly message!: string | null;
}

export class OfferAnswer {
  @GivesId('A task that waits to be run.')
  readonly taskId!: string;
}

export class OrderAnswer {
  @GivesId('The task whose folder it is about.')
  readonly taskId!: string;

  @GivesWhole('Epoch of the lease that the daemon holds of it; null: none.', { nullable: true })
  readonly epoch!: number | null;

  @GivesObject(() => RewindOrder, 'A rewind of the folder; absent: none.', { optional: true })
  readonly rewind?: RewindOrder;

  @GivesObject(() => CheckpointOrder, 'A checkpoint that is asked for; absent: none.', { optional: true })
  readonly checkpoint?: CheckpointOrder;
}

export class HeldAnswer {
  @GivesId('A task that the daemon holds.')
  readonly taskId!: string;

  @GivesWhole('Epoch of its lease.')
  readonly epoch!: number;
}

export class DaemonWorkResponse {
  @GivesList(() => OfferAnswer, 'Tasks to lease, oldest first, at most 20.')
  readonly offers!: readonly OfferAnswer[];

  @GivesList(() => OrderAnswer, 'What is to be done with folders, one thing each.')
  readonly orders!: readonly OrderAnswer[];

  @GivesList(() => HeldAnswer, 'The leases that it holds.')
  readonly held!: readonly HeldAnswer[];
}
