import type { Database } from '#libs/database/database.js';
import type { Instance } from './instance.js';
import { Rebuilder } from './rebuild.js';
import { ProjectionRunner, type RunnerOptions } from './runner.js';

/** What runs the projections, and what builds them anew. */
export interface Projecting {
  readonly runner: ProjectionRunner;
  readonly rebuilder: Rebuilder;
}

/**
 * Puts together what moves the projections in a process. Whoever takes the lease also goes on with what is half built.
 * @param patient without a limit for a statement: building takes as long as it takes.
 */
export function projecting(options: Omit<RunnerOptions, 'onUnfinished'>, patient: Database): Projecting {
  const log = options.log ?? (() => undefined);
  const runner = new ProjectionRunner({ ...options, onUnfinished: (building) => void finish(building) });
  const rebuilder = new Rebuilder(patient, runner, log);
  const finish = async (building: readonly Instance[]): Promise<void> => {
    await rebuilder.clear().catch(() => undefined); // then when the lease is taken the next time
    for (const instance of building) {
      const { name, version } = instance.projection;
      await rebuilder
        .resume(instance, runner.stopped)
        .then((built) => (built ? log(`projection ${name} version ${version} serves now`) : undefined))
        .catch((error: Error) => log(`projection ${name} is not built yet: ${error.message}`));
    }
  };
  return { runner, rebuilder };
}
