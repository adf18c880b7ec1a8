import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { leaf, noun } from '../command.js';
import { resolveChat, resolveContract } from '../input/ids.js';
import { positive } from '../input/numbers.js';
import { chatMessageLines, chatMessageTable, chatTable } from '../views/chats.js';
import { count } from '../views/format.js';
import { listed, type ListOptions } from './listing.js';

interface ChatOptions {
  readonly contract?: string;
}

/** `makima chat …` */
export function chatCommands(program: Command, cli: Cli): void {
  const chat = noun(program, 'chat', 'Chats between people and agents, about the mesh or about one contract');
  list(chat, cli);
  show(chat, cli);
}

const contractOf = async (cli: Cli, { contract }: ChatOptions): Promise<string | undefined> =>
  contract === undefined ? undefined : resolveContract(cli.api, contract);

const list = (chat: Command, cli: Cli): Command =>
  leaf(chat, {
    name: 'list',
    summary: 'Chats, newest first',
    examples: [
      ['makima chat list', 'about the mesh'],
      ['makima chat list --contract 0190a1b2', 'about one contract'],
    ],
    options: (command) =>
      command
        .option('--contract <id>', 'chats about this contract, instead of those about the mesh')
        .option('-n, --limit <n>', 'the newest n', positive, 100)
        .option('--all', 'all, however many'),
    act: async (options: ChatOptions & ListOptions) => {
      const contractId = await contractOf(cli, options);
      const page = await listed(options, (query) => cli.api.chats.list(contractId, query), 'chats');
      if (page.cursor)
        cli.afterwards(`the newest ${count(page.chats.length)}; --limit <n> or --all shows more`);
      await cli.show({
        json: page,
        lines: () => chatTable(page.chats, cli.width),
        empty: page.chats.length === 0 && 'no chats',
      });
    },
  });

interface ShowOptions extends ChatOptions {
  readonly limit?: number;
}

const show = (chat: Command, cli: Cli): Command =>
  leaf(chat, {
    name: 'show <chat>',
    summary: 'What was said in a chat, and what it asks',
    formats: ['chat', 'table', 'json'],
    examples: [
      ['makima chat show 0190b2c3', 'a chat about the mesh'],
      [
        'makima chat show 0190b2c3 --contract 0190a1b2 --limit 20',
        'the newest 20 messages of a contract’s chat',
      ],
    ],
    options: (command) =>
      command
        .option('--contract <id>', 'the contract that the chat is about, if any')
        .option('-n, --limit <n>', 'the newest n messages, instead of all', positive),
    act: async (id: string, options: ShowOptions) => {
      const { chats } = cli.api;
      const contractId = await contractOf(cli, options);
      const chatId = await resolveChat(cli.api, contractId, id);
      const about = await chats.show(contractId, chatId);
      const order = options.limit === undefined ? 'oldest' : 'newest';
      const page = await listed(
        { limit: options.limit ?? Infinity },
        (query) => chats.messages(contractId, chatId, { ...query, order }),
        'messages',
      );
      const messages = order === 'newest' ? page.messages.toReversed() : page.messages;
      await cli.show({
        json: { ...about, messages },
        lines: () =>
          cli.format === 'table' ? chatMessageTable(messages, cli.width) : chatMessageLines(about, messages),
      });
    },
  });
