import { countAt, dollarsAt, isRecord, recordAt } from '../transcripts/json-fields.js';
import type { JsonRecord } from '../transcripts/json-fields.js';
import type { TokenUsage } from '../transcripts/transcript.js';
import type { TurnCost } from './open-message.js';

interface Totals {
  readonly usage: Required<TokenUsage> | undefined;
  readonly costUsd: number | undefined;
}

/**
 * What turns cost, from `result` lines alone: only those are final. `total_cost_usd` and `modelUsage` grow from turn to
 * turn, so a turn's share is the difference to the turn before, and the run's is the latest.
 */
export class ClaudeUsage {
  #latest: Totals = { usage: undefined, costUsd: undefined };

  /** What this turn cost, with its sub-agents. */
  turn(result: JsonRecord): TurnCost {
    const before = this.#latest;
    const costUsd = dollarsAt(result, 'total_cost_usd');
    const all = ofModels(recordAt(result, 'modelUsage'));
    const own = ofTurn(recordAt(result, 'usage'));
    // Versions that do not tell the models' totals tell the turn's own, which add up.
    const total = all ?? (own && added(own, before.usage));
    this.#latest = { usage: total ?? before.usage, costUsd: costUsd ?? before.costUsd };
    return withoutAbsent({
      usage: total && since(total, before.usage),
      costUsd: costUsd === undefined ? undefined : costSince(costUsd, before.costUsd),
    });
  }

  get spent(): TurnCost {
    return withoutAbsent(this.#latest);
  }
}

const withoutAbsent = ({ usage, costUsd }: Totals): TurnCost => ({
  ...(usage && { usage }),
  ...(costUsd !== undefined && { costUsd }),
});

const KEYS = ['input', 'output', 'cacheRead', 'cacheWrite'] as const;

const combined = (combine: (key: (typeof KEYS)[number]) => number): Required<TokenUsage> => ({
  input: combine('input'),
  output: combine('output'),
  cacheRead: combine('cacheRead'),
  cacheWrite: combine('cacheWrite'),
});

const added = (one: Required<TokenUsage>, other: Required<TokenUsage> | undefined): Required<TokenUsage> =>
  combined((key) => one[key] + (other?.[key] ?? 0));

/** A total that is smaller than the one before began anew. */
function since(total: Required<TokenUsage>, before: Required<TokenUsage> | undefined): Required<TokenUsage> {
  if (!before || KEYS.some((key) => total[key] < before[key])) return total;
  return combined((key) => total[key] - before[key]);
}

/** Differences of dollars, without what binary fractions add. */
const costSince = (total: number, before = 0): number =>
  total < before ? total : Math.round((total - before) * 1e9) / 1e9;

function ofModels(models: JsonRecord | undefined): Required<TokenUsage> | undefined {
  const counts = Object.values(models ?? {})
    .filter(isRecord)
    .map((model) => ({
      input: countAt(model, 'inputTokens') ?? 0,
      output: countAt(model, 'outputTokens') ?? 0,
      cacheRead: countAt(model, 'cacheReadInputTokens') ?? 0,
      cacheWrite: countAt(model, 'cacheCreationInputTokens') ?? 0,
    }));
  return counts.length === 0 ? undefined : counts.reduce((sum, each) => added(each, sum));
}

function ofTurn(usage: JsonRecord | undefined): Required<TokenUsage> | undefined {
  const input = countAt(usage, 'input_tokens');
  const output = countAt(usage, 'output_tokens');
  if (input === undefined && output === undefined) return undefined;
  return {
    input: input ?? 0,
    output: output ?? 0,
    cacheRead: countAt(usage, 'cache_read_input_tokens') ?? 0,
    cacheWrite: countAt(usage, 'cache_creation_input_tokens') ?? 0,
  };
}
