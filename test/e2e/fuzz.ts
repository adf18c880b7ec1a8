import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import type { FuzzAnswer, FuzzClient } from './fuzz-client.js';
import type { FuzzJudge } from './fuzz-judge.js';
import { requestsOf, type FuzzRequest, type FuzzSource } from './fuzz-requests.js';

/** A request that must succeed, among those that nothing has checked. */
export type ValidRequest = () => FuzzRequest;

export interface FuzzOptions {
  readonly source: FuzzSource;
  readonly client: FuzzClient;
  readonly judge: FuzzJudge;
  readonly valid: readonly ValidRequest[];
  readonly seed: number;
  readonly requests: number;
  /** Requests under way at once. */
  readonly concurrency: number;
}

export interface FuzzReport {
  readonly sent: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** What went wrong, each kind once, with a request that shows it. */
  readonly mistakes: readonly string[];
}

const CHUNK = 512;
/** Far apart, so that seeds next to each other have no chunk in common. */
const GOLDEN = 0x9e3779b1;
/** Every so many requests one that must succeed. */
const VALID_EVERY = 10;
const MOST_MISTAKES = 20;
/** How often a valid request comes back when it was asked to. */
const RETRIES = 30;

/** Sends requests and judges their answers. The same seed sends the same requests, if in another order. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const run = new Run(options);
  const arbitrary = requestsOf(options.source);
  for (let chunk = 0; run.sent < options.requests && !run.hopeless; chunk += 1) {
    const numRuns = Math.min(CHUNK, options.requests - run.sent);
    await run.all(fc.sample(arbitrary, { seed: (options.seed + chunk * GOLDEN) | 0, numRuns }));
  }
  return { sent: run.sent, statuses: run.statuses, mistakes: [...run.mistakes.values()] };
}

class Run {
  sent = 0;
  readonly statuses: Record<string, number> = {};
  readonly mistakes = new Map<string, string>();
  #turn = 0;

  constructor(private readonly options: FuzzOptions) {}

  get hopeless(): boolean {
    return this.mistakes.size >= MOST_MISTAKES;
  }

  async all(requests: readonly FuzzRequest[]): Promise<void> {
    const left = requests.values();
    const worker = async (): Promise<void> => {
      for (const request of left) {
        if (this.hopeless) return;
        if (this.sent % VALID_EVERY === VALID_EVERY - 1) await this.#expectSuccess();
        await this.#judge(request);
      }
    };
    await Promise.all(Array.from({ length: this.options.concurrency }, worker));
  }

  async #judge(request: FuzzRequest): Promise<FuzzAnswer | undefined> {
    this.sent += 1;
    try {
      const answer = await this.options.client.send(request);
      this.statuses[answer.status] = (this.statuses[answer.status] ?? 0) + 1;
      const mistake = this.options.judge.mistakeIn(request, answer);
      if (mistake !== undefined) this.#note(request, mistake);
      return answer;
    } catch (error) {
      this.#note(request, `no answer: ${(error as Error).message}`);
      return undefined;
    }
  }

  async #expectSuccess(): Promise<void> {
    const { valid } = this.options;
    const make = valid[this.#turn++ % Math.max(1, valid.length)];
    if (!make) return;
    const request = make();
    let answer = await this.#judge(request);
    for (let again = 0; answer?.status === 503 && again < RETRIES; again += 1) {
      await delay(1_000 * Number(answer.headers['retry-after'] ?? 1));
      answer = await this.#judge(request);
    }
    if (answer && answer.status >= 300)
      this.#note(
        request,
        `a valid request was answered by ${answer.status} ${answer.body.toString('utf8').slice(0, 500)}`,
      );
  }

  #note({ operation, caller, method, url, headers, body }: FuzzRequest, mistake: string): void {
    const kind = mistake.replaceAll(/[0-9a-f-]{8,}|(?<=\D)\d+(?=\D)/g, '').slice(0, 100);
    if (this.mistakes.has(kind)) return;
    const said = body === null ? '' : ` ${JSON.stringify(body.toString('utf8').slice(0, 800))}`;
    this.mistakes.set(
      kind,
      `${operation.id}: ${mistake}\n  ${caller} ${method} ${url.slice(0, 400)} ${JSON.stringify(headers)}${said}`,
    );
  }
}
