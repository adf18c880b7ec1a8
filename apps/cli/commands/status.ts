import type { Command } from 'commander';
import { ApiError } from '#libs/client/api-error.js';
import type { WhoAmI } from '#libs/client/types-admin.js';
import type { Cli } from '../cli.js';
import { leaf } from '../command.js';
import { factLines } from '../terminal/table.js';
import { span } from '../terminal/styled.js';
import { statusSpan } from '../views/format.js';

/** `makima status`. */
export const statusCommand = (program: Command, cli: Cli): Command =>
  leaf(program, {
    name: 'status',
    summary: 'Whether the server runs, where it is, and who you are there',
    examples: [['makima status', 'exit code 6 if nobody answers']],
    act: async () => {
      const health = await cli.api.admin.health();
      const me = await whoAmI(cli);
      await cli.show({
        json: { url: cli.api.http.url, ...health, whoami: me ?? null },
        lines: () =>
          factLines(
            [
              ['server', span(cli.api.http.url, 'bold')],
              ['status', statusSpan(health.status)],
              ['log', `position ${health.head}`],
              [
                'read models',
                health.projected === health.head ? 'up to date' : `at position ${health.projected}`,
              ],
              ['stopped', span((health.failedProjections ?? []).join(', '), 'red')],
              ['being built', span((health.buildingProjections ?? []).join(', '), 'yellow')],
              ['you', me ? `${me.kind} key ${me.keyId}` : span('no key that works here', 'red')],
              ['owner', me?.ownerId ?? ''],
              ['cli', cli.host.version],
            ],
            cli.width,
          ),
      });
    },
  });

/** Undefined without a key that works: a status says so instead of failing. */
async function whoAmI(cli: Cli): Promise<WhoAmI | undefined> {
  try {
    return await cli.api.access.whoAmI();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return undefined;
    throw error;
  }
}

/** `makima whoami`. */
export const whoAmICommand = (program: Command, cli: Cli): Command =>
  leaf(program, {
    name: 'whoami',
    summary: 'Whose key you use, and what it may do',
    examples: [['makima whoami', 'owner, kind, scopes']],
    act: async () => {
      const me = await cli.api.access.whoAmI();
      await cli.show({
        json: me,
        lines: () =>
          factLines(
            [
              ['key', span(me.keyId, 'bold')],
              ['kind', me.kind],
              ['owner', me.ownerId],
              ['contract', me.contractId ?? ''],
              ['scopes', me.scopes.join(', ')],
            ],
            cli.width,
          ),
      });
    },
  });
