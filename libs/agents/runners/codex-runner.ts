import { CodexStream } from './codex-stream.js';
import { firstPrompt } from './earlier-conversation.js';
import { Narrator } from './narrator.js';
import { JSON_LINE, outcomeOfAgent, runProgram } from './program-run.js';
import { plainArgument, RunRefused, type AgentRunner, type RunRequest } from './runner.js';

export interface CodexOptions {
  /** Name on the PATH, or a path. Default: `codex`. */
  readonly program?: string;
  readonly model?: string;
  /** Default: `workspace-write`; the program's own default lets it read only. */
  readonly sandbox?: 'read-only' | 'workspace-write' | 'danger-full-access';
  /** Further options, as they are, before `resume` and the prompt. */
  readonly args?: readonly string[];
}

/**
 * Runs Codex without its terminal: `codex exec --json … -`. The prompt is its whole standard input: a run is one turn, and
 * nothing can be said later. It can go on with a conversation, but `exec` cannot fork one.
 */
export const codexRunner = (options: CodexOptions = {}): AgentRunner => ({
  name: 'codex',
  start: async (request) => {
    const narrator = new Narrator(request.runId);
    const interpreter = new CodexStream(narrator);
    return runProgram({
      program: options.program ?? 'codex',
      args: argumentsOf(options, request),
      advice: 'Install it with `npm install -g @openai/codex`, or say where it is.',
      request,
      narrator,
      interpreter,
      longestLine: JSON_LINE,
      firstInput: firstPrompt(request, narrator),
      outcomeOf: (exit, broke) => outcomeOfAgent(interpreter, exit, broke),
    });
  },
});

function argumentsOf(options: CodexOptions, { resume }: RunRequest): readonly string[] {
  if (resume?.fork) throw new RunRefused('Codex cannot fork a conversation without its terminal.');
  const { model, sandbox = 'workspace-write', args = [] } = options;
  return [
    // A task's folder is not always a git repository.
    ...['exec', '--json', '--skip-git-repo-check', '--sandbox', sandbox],
    ...(model === undefined ? [] : ['--model', model]),
    ...args,
    ...(resume ? ['resume', plainArgument(resume.conversationId)] : []),
    '-',
  ];
}
