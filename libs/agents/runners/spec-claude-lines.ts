/** For specs: lines as `claude --output-format stream-json` writes them. */
import type { Step } from './spec-stand-ins.js';

export const INIT = {
  type: 'system',
  subtype: 'init',
  session_id: 'c-1',
  model: 'claude-opus-4-6',
  tools: ['Edit'],
};

export const line = (id: string, block: object, more: object = {}): Step => ({
  json: {
    type: 'assistant',
    uuid: `u-${id}-${JSON.stringify(block).length}`,
    session_id: 'c-1',
    parent_tool_use_id: null,
    message: {
      id,
      role: 'assistant',
      model: 'claude-opus-4-6',
      stop_reason: null,
      content: [block],
      usage: { input_tokens: 3, output_tokens: 6 },
    },
    ...more,
  },
});

export const answer = (toolUseId: string, content: unknown, more: object = {}): Step => ({
  json: {
    type: 'user',
    message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: toolUseId, content }] },
    ...more,
  },
});

export const text = (words: string): object => ({ type: 'text', text: words });
export const use = (id: string, name: string, input: object): object => ({
  type: 'tool_use',
  id,
  name,
  input,
});

export const result = (cost: number, output: number, more: object = {}): Step => ({
  json: {
    type: 'result',
    subtype: 'success',
    is_error: false,
    num_turns: 2,
    result: 'Done.',
    total_cost_usd: cost,
    usage: { input_tokens: 1, output_tokens: 1 },
    modelUsage: {
      opus: { inputTokens: 10, outputTokens: output, cacheReadInputTokens: 100, cacheCreationInputTokens: 5 },
      haiku: { inputTokens: 1, outputTokens: 1, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 },
    },
    ...more,
  },
});
