import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { changes, leaf } from '../command.js';
import { UsageError } from '../usage-error.js';
import { done, wouldDo } from '../views/format.js';

interface ReleaseOptions {
  readonly event?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

const options = (command: Command): Command =>
  changes(
    command
      .option('--event <id>', 'the event (otherwise the one that it stopped at)')
      .option('--reason <text>', 'why'),
  );

export const skip = (admin: Command, cli: Cli): Command =>
  leaf(admin, {
    name: 'skip <name>',
    summary: 'Pass over the event that stopped a read model; it goes on record in the log',
    examples: [
      [
        'makima admin skip timeline --reason "known bug, fixed in the next version"',
        'the event that it stopped at',
      ],
    ],
    options,
    act: async (name: string, { event, reason, dryRun }: ReleaseOptions) => {
      const eventId = event ?? (await stoppedAt(cli, name));
      if (!dryRun && !(await cli.insistOn(`Leave event ${eventId} out of ${name}?`)))
        return cli.note('nothing was changed');
      const answer = await cli.api.admin.skip(name, release(eventId, reason, dryRun));
      const text = `event ${eventId} is passed over; ${name} goes on`;
      if (!dryRun)
        cli.afterwards(
          `a rebuild passes over it too, and says so; the next version of ${name} tries it again`,
        );
      await cli.show({
        json: answer,
        lines: () => [dryRun ? wouldDo(`pass over event ${eventId} in ${name}`) : done(text)],
      });
    },
  });

export const retry = (admin: Command, cli: Cli): Command =>
  leaf(admin, {
    name: 'retry <name>',
    summary: 'Try the event that stopped a read model once more, when the cause is mended',
    notes: 'A restart alone does not try it again. It goes on record in the log.',
    examples: [['makima admin retry timeline', 'after an upgrade that mends it']],
    options,
    act: async (name: string, { event, reason, dryRun }: ReleaseOptions) => {
      const eventId = event ?? (await stoppedAt(cli, name));
      const answer = await cli.api.admin.retry(name, release(eventId, reason, dryRun));
      if (!dryRun) cli.afterwards('see whether it goes on with: makima admin projections');
      await cli.show({
        json: answer,
        lines: () => [
          dryRun
            ? wouldDo(`try event ${eventId} again in ${name}`)
            : done(`${name} tries event ${eventId} again`),
        ],
      });
    },
  });

const release = (eventId: string, reason: string | undefined, dryRun: boolean | undefined) => ({
  eventId,
  ...(reason === undefined ? {} : { reason }),
  ...(dryRun ? { dryRun } : {}),
});

async function stoppedAt(cli: Cli, name: string): Promise<string> {
  const { projections: states } = await cli.api.admin.projections();
  const named = states.filter((state) => state.name === name);
  // The server says that there is none of that name, as it does where one is to be rebuilt.
  if (named.length === 0) await cli.api.admin.previewRebuild(name);
  const eventId = named.find(({ error }) => error?.eventId)?.error?.eventId;
  if (eventId === undefined)
    throw new UsageError(`${name} has not stopped at an event`, ['see: makima admin projections']);
  return eventId;
}
