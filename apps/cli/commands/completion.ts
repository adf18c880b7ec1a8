import { Argument, type Command } from 'commander';
import type { Cli } from '../cli.js';
import { candidates } from '../input/candidates.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_makima_complete() {
  local IFS=$'\\n'
  COMPREPLY=($(makima __complete bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _makima_complete makima
`,
  zsh: `#compdef makima
_makima() {
  local -a found
  found=("\${(@f)$(makima __complete zsh -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found[1]" ]]; then _describe 'makima' found; else _files; fi
}
compdef _makima makima
`,
  fish: `complete -c makima -n 'not __fish_seen_subcommand_from import' -f
complete -c makima -a '(makima __complete fish -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
};

const HELP = `
Install:
  bash   echo 'source <(makima completion bash)' >> ~/.bashrc
  zsh    makima completion zsh > "\${fpath[1]}/_makima"
  fish   makima completion fish > ~/.config/fish/completions/makima.fish
`;

/** `makima completion <shell>`, and the hidden command that the shells ask. */
export function completionCommands(program: Command, cli: Cli): void {
  program
    .command('completion')
    .summary('Completions for a shell')
    .description('Prints a script that lets a shell complete commands and options.')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', HELP)
    .action(async (shell: Shell) => cli.out.raw(SCRIPTS[shell]));
  program
    .command('__complete', { hidden: true })
    .argument('<shell>')
    .argument('[words...]')
    .action(async (shell: Shell, words: readonly string[]) => {
      const found = candidates(program, words).map(({ word, about }) => {
        if (shell === 'bash' || about === '') return word;
        return shell === 'zsh' ? `${word.replaceAll(':', '\\:')}:${about}` : `${word}\t${about}`;
      });
      await cli.out.raw(found.map((one) => `${one}\n`).join(''));
    });
}
