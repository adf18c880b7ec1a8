import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Problem } from '#libs/kernel/problem.js';
import type { Caller } from '#libs/kernel/caller.js';
import { HttpProblem } from './problem-answer.js';

/** What is known about a request beside what Express keeps. */
interface RequestState {
  /** 32 hex digits: the caller's `traceparent`, or a new one. */
  readonly traceId: string;
  /** 16 hex digits: this request's own span. */
  readonly spanId: string;
  /** Whether the caller's trace is recorded (the last flag of `traceparent`). */
  readonly sampled: boolean;
  readonly receivedAt: Date;
  caller?: Caller;
  /** Of the body as it was sent (after Content-Encoding); absent for a request without one, and for a streamed one. */
  bodyHash?: Buffer;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?$/;
const states = new WeakMap<IncomingMessage, RequestState>();

/** The state of a request; made when it is first asked for. */
export function stateOf(request: IncomingMessage): RequestState {
  let state = states.get(request);
  if (!state) {
    const header = request.headers['traceparent'];
    const parent = typeof header === 'string' ? TRACEPARENT.exec(header) : null;
    state = {
      traceId: parent?.[1] ?? randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
      sampled: parent ? (parseInt(parent[2]!, 16) & 1) === 1 : false,
      receivedAt: new Date(),
    };
    states.set(request, state);
  }
  return state;
}

/** The headers that tell a caller which trace its request belongs to (W3C Trace Context). */
export function traceHeaders(request: IncomingMessage): Readonly<Record<string, string>> {
  const { traceId, spanId, sampled } = stateOf(request);
  return { 'X-Trace-Id': traceId, traceparent: `00-${traceId}-${spanId}-${sampled ? '01' : '00'}` };
}

/** The authenticated caller. @throws Problem UNAUTHENTICATED on a public route without a key. */
export function callerOf(request: IncomingMessage): Caller {
  const { caller } = stateOf(request);
  if (!caller) throw unauthenticated('Send your key as `Authorization: Bearer mk_…`.');
  return caller;
}

export const unauthenticated = (detail: string, error?: 'invalid_token'): Problem =>
  new HttpProblem('UNAUTHENTICATED', detail, {
    'WWW-Authenticate': `Bearer realm="makima"${error ? `, error="${error}"` : ''}`,
  });
