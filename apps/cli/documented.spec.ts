import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command } from 'commander';
import { programForSpecs } from './testing/program.js';

const program = programForSpecs();

/** What servers print begins with the same word. */
const PRINTED = /^(?:projector )?ready\b/;

/** Command lines in a text: after a prompt, at a line's beginning, or between backticks. */
function commandLines(markdown: string): readonly string[] {
  const blocks = [...markdown.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block!.split('\n'));
  const inline = [...markdown.matchAll(/`(makima [^`\n]+)`/g)].map(([, line]) => line!);
  return [...blocks, ...inline].flatMap((line) => {
    const [, words] = /^(?:\$ )?(?:npx )?makima ([^#]+)/.exec(line.trim()) ?? [];
    return words === undefined || PRINTED.test(words) ? [] : [words.trim()];
  });
}

/** What a command line says that the program does not know; null if it knows all of it. */
function unknownIn(line: string): string | null {
  const words = line.match(/"[^"]*"|\S+/g) ?? [];
  let command: Command = program;
  for (const word of words) {
    // What follows is another program's.
    if (word === '--') break;
    if (word.startsWith('--')) {
      const name = word.split('=')[0]!;
      const known = [command, ...parents(command)].some((one) =>
        one.options.some(({ long }) => long === name),
      );
      if (!known && name !== '--help') return name;
    } else if (command.commands.length > 0 && /^[a-z]/.test(word)) {
      const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
      if (!next) return word;
      command = next;
    }
  }
  return null;
}

const parents = (command: Command): readonly Command[] =>
  command.parent ? [command.parent, ...parents(command.parent)] : [];

const files = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

describe('commands that the documents show', () => {
  const lines = files.flatMap((file) =>
    commandLines(readFileSync(file, 'utf8')).map((line) => [file, line] as const),
  );

  it.each(lines)('%s: makima %s', (_, line) => expect(unknownIn(line)).toBeNull());

  it('are found, and one that is not there is told (negative control)', () => {
    expect(lines.length).toBeGreaterThan(15);
    expect(unknownIn('task fork <task> --to-message <message>')).toBe('--to-message');
    expect(unknownIn('task frok <task>')).toBe('frok');
  });
});
