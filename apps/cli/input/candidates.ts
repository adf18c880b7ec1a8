import type { Command, Option } from 'commander';

/** A word that may come next on a command line. */
export interface Completion {
  readonly word: string;
  readonly about: string;
}

/**
 * What may stand where the last word is being typed.
 * @param words everything after `makima`, the last one unfinished (perhaps empty).
 */
export function candidates(program: Command, words: readonly string[]): readonly Completion[] {
  const typed = words.at(-1) ?? '';
  let command = program;
  let awaited: Option | undefined;
  for (const word of words.slice(0, -1)) {
    if (awaited) awaited = undefined;
    else if (word.startsWith('-')) awaited = valueOption(command, word);
    else
      command =
        command.commands.find((one) => one.name() === word || one.aliases().includes(word)) ?? command;
  }
  return possible(command, awaited, typed).filter(({ word }) => word.startsWith(typed));
}

const valueOption = (command: Command, word: string): Option | undefined => {
  const option = command.options.find(({ long, short }) => word === long || word === short);
  return option && (option.required || option.optional) ? option : undefined;
};

function possible(command: Command, awaited: Option | undefined, typed: string): readonly Completion[] {
  if (awaited) return (awaited.argChoices ?? []).map((word) => ({ word, about: '' }));
  const help = command.createHelp();
  if (typed.startsWith('-')) {
    return help
      .visibleOptions(command)
      .map(({ long, short, description }) => ({ word: long ?? short ?? '', about: description }));
  }
  const verbs = help
    .visibleCommands(command)
    .map((one) => ({ word: one.name(), about: one.summary() || one.description() }));
  const values = command.registeredArguments[0]?.argChoices ?? [];
  return [...verbs, ...values.map((word) => ({ word, about: '' }))];
}
