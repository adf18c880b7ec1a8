import { firstPrompt } from './earlier-conversation.js';
import type { ProgramLine } from './line-splitter.js';
import { Narrator } from './narrator.js';
import { OUTPUT_LINE, runProgram } from './program-run.js';
import type { AgentRunner } from './runner.js';
import { outputOf, type Heard, type StreamInterpreter } from './stream-interpreter.js';

export interface CommandOptions {
  /** Program and arguments, handed over as they are: no shell reads them, unless the program is one. */
  readonly command: readonly [program: string, ...args: readonly string[]];
}

/**
 * Runs any program: each line that it prints is an output, its exit code is the outcome. It reads the prompt from its
 * standard input, and what is said later where the request stays open.
 */
export const commandRunner = ({ command: [program, ...args] }: CommandOptions): AgentRunner => ({
  name: 'command',
  start: async (request) => {
    const narrator = new Narrator(request.runId);
    return runProgram({
      program,
      args,
      advice:
        "Install it, or say where it is: the command's first word is the program, and no shell reads it.",
      request,
      narrator,
      interpreter: new OutputLines(narrator),
      longestLine: OUTPUT_LINE,
      firstInput: lineOf(firstPrompt(request, narrator)),
      ...(request.stayOpen && { said: lineOf }),
      outcomeOf: ({ exitCode = 0 }) =>
        exitCode === 0
          ? { as: 'completed', exitCode }
          : { as: 'failed', exitCode, reason: `It ended with exit code ${exitCode}.` },
    });
  },
});

const lineOf = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

/** Every line is an output; a program has no conversation and gives no verdict but its exit code. */
class OutputLines implements StreamInterpreter {
  readonly holds = false;
  readonly conversationId = undefined;
  readonly verdict = undefined;
  readonly spent = {};

  constructor(private readonly narrator: Narrator) {}

  line(line: ProgramLine): Heard {
    return outputOf(this.narrator, line);
  }

  release(): readonly [] {
    return [];
  }
}
