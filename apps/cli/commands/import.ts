import type { Command } from 'commander';
import { EXIT } from '#libs/client/exit-codes.js';
import type { Query } from '#libs/client/http-client.js';
import type { ImportProgress, ImportReport } from '#libs/client/types-import.js';
import type { Cli } from '../cli.js';
import { leaf, previews } from '../command.js';
import { resolveContract } from '../input/ids.js';
import { batchesOf, filesBody, transcriptFiles } from '../input/transcript-files.js';
import type { Progress } from '../terminal/progress.js';
import { CommandFailed } from '../usage-error.js';
import { bytes, counted } from '../views/format.js';
import { importLines, mergedReports } from '../views/import.js';

interface ImportOptions {
  readonly contract?: string;
  readonly dryRun?: boolean;
  readonly name?: string;
  readonly full?: boolean;
}

/** `makima import`. */
export const importCommand = (program: Command, cli: Cli): Command =>
  leaf(program, {
    name: 'import <file|folder|->',
    summary: 'Bring transcripts of coding agents in: Claude Code, Codex, Gemini CLI',
    notes: `Each session becomes a task; sub-agents become its subtasks. Importing again adds only what is new.
Without a contract each transcript gets one. Lines that are not understood are kept and counted; the report
accounts for every line.`,
    examples: [
      ['makima import ~/.claude/projects --dry-run', 'what is there, and what would be new'],
      ['makima import ~/.codex/sessions --contract 0190a1b2', 'all into one contract'],
      ['makima import session.jsonl', 'a file, with the folder of its sub-agents beside it'],
      ['ssh server cat session.jsonl | makima import - --name session.jsonl', 'from another machine'],
    ],
    options: (command) =>
      previews(command)
        .option(
          '--contract <id>',
          'the contract that the tasks belong to (otherwise MAKIMA_CONTRACT_ID, otherwise new ones)',
        )
        .option('--name <name>', 'for -: the name that the transcript has where it comes from')
        .option('--full', 'every line that is invalid, every file that was refused'),
    act: async (path: string, options: ImportOptions) => {
      const query = await queryOf(cli, options);
      const report = path === '-' ? await fromStdin(cli, query, options) : await fromFiles(cli, query, path);
      const first = report.transcripts[0]?.sessions[0];
      if (!report.dryRun && first && first.outcome !== 'not_imported')
        cli.afterwards(`read it with: makima task history ${first.taskId}`);
      await cli.show({ json: report, lines: () => importLines(report, cli.width, options.full ?? false) });
      const failed = report.transcripts.some(({ problem }) => problem) || report.transcripts.length === 0;
      if (failed) throw new CommandFailed(EXIT.invalid);
    },
  });

async function queryOf(cli: Cli, { contract, dryRun }: ImportOptions): Promise<Query> {
  const ambient = cli.env['MAKIMA_CONTRACT_ID']?.trim();
  const text = contract ?? ambient;
  if (!text) return { dry_run: dryRun };
  const id = await resolveContract(cli.api, text);
  // Said, because it is easily forgotten that it is set.
  if (contract === undefined) await cli.note(`into contract ${id} (MAKIMA_CONTRACT_ID)`);
  return { contract_id: id, dry_run: dryRun };
}

async function fromStdin(cli: Cli, query: Query, { name }: ImportOptions): Promise<ImportReport> {
  const bar = cli.progress('importing');
  let read = 0;
  async function* stdin(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of cli.host.stdin as AsyncIterable<Buffer | string>) {
      const piece = Buffer.from(chunk);
      read += piece.length;
      bar.update(0, 0, bytes(read));
      yield piece;
    }
  }
  try {
    const upload = { mediaType: 'application/octet-stream', bytes: stdin() } as const;
    return await cli.api.imports.send({ ...query, name }, upload, shownOn(bar));
  } finally {
    bar.end();
  }
}

async function fromFiles(cli: Cli, query: Query, path: string): Promise<ImportReport> {
  const files = await transcriptFiles(path);
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  const bar = cli.progress('sending');
  let sent = 0;
  const onBytes = (length: number): void => {
    sent += length;
    bar.update(sent, total, `${bytes(sent)} of ${bytes(total)}, ${counted(files.length, 'file')}`);
  };
  const reports: ImportReport[] = [];
  try {
    for (const batch of await batchesOf(files)) {
      const upload = { mediaType: 'application/vnd.makima.files', bytes: filesBody(batch, onBytes) } as const;
      reports.push(await cli.api.imports.send(query, upload, shownOn(bar)));
    }
  } finally {
    bar.end();
  }
  return mergedReports(reports);
}

/** The server's progress takes the bar over from the upload's. */
const shownOn =
  (bar: Progress) =>
  ({ done, total, file }: ImportProgress): void => {
    bar.relabel('importing');
    bar.update(done, total, file);
  };
