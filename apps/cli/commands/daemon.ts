import { Option, type Command } from 'commander';
import { connectionFrom } from '#libs/client/connection.js';
import { makimaHome } from '#libs/client/makima-home.js';
import type { Cli } from '../cli.js';
import { leaf, noun } from '../command.js';
import { daemonKey } from '../daemon-key.js';
import { resolveDaemon } from '../input/ids.js';
import { listed as values, positive } from '../input/numbers.js';
import { daemonFacts, daemonTable } from '../views/daemons.js';

/** `makima daemon …` */
export function daemonCommands(program: Command, cli: Cli): void {
  const daemon = noun(program, 'daemon', 'Daemons: the machines on which agents run');
  start(daemon, cli);
  list(daemon, cli);
  show(daemon, cli);
}

interface StartOptions {
  readonly name?: string;
  readonly capacity?: number;
  readonly home?: string;
  readonly url?: string;
  readonly runners?: readonly string[];
  readonly withParent?: boolean;
}

const NOTES = `It needs a daemon key: MAKIMA_DAEMON_TOKEN, or one that it makes with your own key the first time and keeps in its
home. It runs until Ctrl-C, and hands its tasks back then. npm start runs one by itself.`;

const start = (daemon: Command, cli: Cli): Command =>
  leaf(daemon, {
    name: 'start',
    summary: 'Run agents on this machine, for a server here or elsewhere',
    notes: NOTES,
    examples: [
      ['makima daemon start', 'for the server on this machine'],
      ['makima daemon start --url https://makima.example.org --name builder --capacity 8', 'for another one'],
      [
        'makima daemon start --home ~/second --runners command,replay',
        'a second one, that runs some agents only',
      ],
    ],
    options: (command) =>
      command
        .option('--name <name>', 'what people call it (otherwise as before, or as the machine)')
        .option('--capacity <n>', 'agents that it runs at once', positive)
        .option('--home <folder>', "makima's home, where it keeps folders (otherwise MAKIMA_HOME)")
        .option('--url <url>', 'the server (otherwise MAKIMA_URL, or the one on this machine)')
        .option('--runners <names>', 'what it runs: claude, codex, command, replay (otherwise all)', values)
        // A server's own daemon must not outlive it, even if it is killed.
        .addOption(new Option('--with-parent', 'end when the standard input does').hideHelp()),
    act: async (options: StartOptions) => {
      // The server and the user's key are found as by every command; --home is about the daemon's own things.
      cli.useServer(options.url);
      const server = connectionFrom(cli.env);
      const home = makimaHome(
        options.home === undefined ? cli.env : { ...cli.env, MAKIMA_HOME: options.home },
      );
      const token = await daemonKey(cli, home, server);
      const { name, capacity, runners, withParent = false } = options;
      const settings = {
        MAKIMA_HOME: home,
        MAKIMA_URL: server.url,
        MAKIMA_TOKEN: token,
        MAKIMA_DAEMON_VERSION: cli.host.version,
        ...(name === undefined ? {} : { MAKIMA_DAEMON_NAME: name }),
        ...(capacity === undefined ? {} : { MAKIMA_DAEMON_CAPACITY: String(capacity) }),
        ...(runners === undefined ? {} : { MAKIMA_DAEMON_RUNNERS: runners.join(',') }),
      };
      await cli.host.become('daemon', settings, withParent);
    },
  });

const list = (daemon: Command, cli: Cli): Command =>
  leaf(daemon, {
    name: 'list',
    summary: 'Daemons, those heard last first',
    examples: [['makima daemon list', 'which are connected, what runs on them, how much room they have']],
    act: async () => {
      const answer = await cli.api.daemons.list();
      const empty = answer.daemons.length === 0 && 'no daemons yet; start one with: makima daemon start';
      await cli.show({ json: answer, lines: () => daemonTable(answer.daemons, cli.width, cli.now), empty });
    },
  });

const show = (daemon: Command, cli: Cli): Command =>
  leaf(daemon, {
    name: 'show <daemon>',
    summary: 'One daemon: its tasks, its disk, what of it was refused',
    examples: [['makima daemon show 0190d4e5', 'the beginning of an id is enough, from 6 characters on']],
    act: async (id: string) => {
      const answer = await cli.api.daemons.show(await resolveDaemon(cli.api, id));
      await cli.show({ json: answer, lines: () => daemonFacts(answer, cli.width) });
    },
  });
