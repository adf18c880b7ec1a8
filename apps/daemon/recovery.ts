import { endLeftBehind } from '#libs/processes/left-behind.js';
import type { Checkpoints, Recording } from './checkpoints.js';
import type { TaskPlace } from './home.js';
import type { Journal, JournaledLease } from './journal.js';
import { epochsIn } from './spool-segments.js';
import { LeaseLost } from './spool.js';
import type { TaskLink } from './task-link.js';

export interface RecoveryTools {
  readonly place: TaskPlace;
  readonly journal: Journal;
  readonly link: TaskLink;
  /** Null: the task has no folder here. */
  readonly checkpoints: Checkpoints | null;
}

/**
 * Ends what a killed daemon has left running: the agent of its lease, and gits in the task's folder.
 * @returns how many processes there were
 */
export async function endLeftovers(
  { shadow }: TaskPlace,
  lease: JournaledLease | null,
  graceMs: number,
): Promise<number> {
  const gits = await endLeftBehind([], `GIT_DIR=${shadow}`, 0);
  if (!lease) return gits;
  const { agent, runId } = lease;
  return gits + (await endLeftBehind(agent ? [agent] : [], `MAKIMA_RUN_ID=${runId}`, graceMs));
}

/** Tells what a killed daemon had not told, and gives its lease back. Nothing of the task runs. */
export async function recover(tools: RecoveryTools): Promise<void> {
  const { place, journal, link } = tools;
  const { lease, untold } = journal.state;
  const epochs = new Set([...(await epochsIn(place.spool)), ...untold.map(({ epoch }) => epoch)]);
  for (const epoch of epochs)
    if (epoch !== lease?.epoch) await unlessLost(tools, epoch, (recording) => tellRest(tools, recording));
  if (!lease) return;
  const { epoch, end } = lease;
  const isTold = await unlessLost(tools, epoch, async (recording) => {
    // What the agent had done, whether or not it was in the middle of something. In a half-made folder none has begun.
    if (!end && journal.state.isPrepared) await tools.checkpoints?.take(recording, { trigger: 'end' });
    await tellRest(tools, recording);
    await link.release(epoch, end ?? { status: 'interrupted', reason: 'Its daemon was ended.' });
  });
  if (!isTold) await journal.update({ lease: null });
}

async function tellRest({ checkpoints }: RecoveryTools, recording: Recording): Promise<void> {
  if (checkpoints) await checkpoints.tellRest(recording);
  else await recording.spool.flush();
}

/** Whether it was done. False: the lease has ended, and what was to be told is kept aside. */
async function unlessLost(
  { link, checkpoints }: RecoveryTools,
  epoch: number,
  work: (recording: Recording) => Promise<void>,
): Promise<boolean> {
  try {
    await link.recording(epoch, work);
    return true;
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error;
    await checkpoints?.forget((one) => one.epoch === epoch);
    return false;
  }
}
