import { ClaudeStream } from './claude-stream.js';
import { firstPrompt } from './earlier-conversation.js';
import { Narrator } from './narrator.js';
import { JSON_LINE, outcomeOfAgent, runProgram } from './program-run.js';
import { plainArgument, type AgentRunner, type RunRequest } from './runner.js';

export interface ClaudeOptions {
  /** Name on the PATH, or a path. Default: `claude`. */
  readonly program?: string;
  readonly model?: string;
  /** Without it the program's own: then it asks for permissions that nobody can give it, and is refused them. */
  readonly permissionMode?: 'default' | 'acceptEdits' | 'bypassPermissions' | 'plan' | 'dontAsk' | 'auto';
  /** Further arguments, as they are: `--add-dir`, `--mcp-config` … */
  readonly args?: readonly string[];
}

/**
 * Runs Claude Code without its terminal: `claude -p --input-format stream-json --output-format stream-json --verbose`.
 * Prompts are lines of its standard input, which is closed after the turn unless the request stays open.
 * A new conversation gets an id that follows from the run's.
 */
export const claudeRunner = (options: ClaudeOptions = {}): AgentRunner => ({
  name: 'claude',
  start: async (request) => {
    const narrator = new Narrator(request.runId);
    const interpreter = new ClaudeStream(narrator);
    return runProgram({
      program: options.program ?? 'claude',
      args: argumentsOf(options, request, narrator),
      advice: 'Install it with `npm install -g @anthropic-ai/claude-code`, or say where it is.',
      request,
      narrator,
      interpreter,
      longestLine: JSON_LINE,
      firstInput: promptLine(firstPrompt(request, narrator)),
      said: promptLine,
      outcomeOf: (exit, broke) => outcomeOfAgent(interpreter, exit, broke),
    });
  },
});

function argumentsOf(options: ClaudeOptions, request: RunRequest, narrator: Narrator): readonly string[] {
  const { resume, limits } = request;
  const { model, permissionMode, args = [] } = options;
  const isNew = !resume || resume.fork;
  return [
    ...['-p', '--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'],
    ...(resume ? ['--resume', plainArgument(resume.conversationId)] : []),
    ...(resume?.fork ? ['--fork-session'] : []),
    ...(isNew ? ['--session-id', narrator.idOf('conversation')] : []),
    ...(model === undefined ? [] : ['--model', model]),
    ...(permissionMode === undefined ? [] : ['--permission-mode', permissionMode]),
    ...(limits?.maxTurns === undefined ? [] : ['--max-turns', String(limits.maxTurns)]),
    ...(limits?.maxCostUsd === undefined ? [] : ['--max-budget-usd', String(limits.maxCostUsd)]),
    ...args,
  ];
}

const promptLine = (text: string): string =>
  `${JSON.stringify({
    type: 'user',
    message: { role: 'user', content: text },
    parent_tool_use_id: null,
    session_id: '',
  })}\n`;
