import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { isConnectionError, isTooSlow, sqlState } from '#libs/database/database.js';
import {
  AppendTooLarge,
  EventIdConflict,
  EventTooLarge,
  LogOverloaded,
  VersionConflict,
} from '#libs/event-store/event-store.js';
import { isRefusal } from '#libs/kernel/decider.js';
import { Problem, RefusalException } from '#libs/kernel/problem.js';
import { allowedMethods } from './allowed-methods.js';
import { HttpProblem, problemBody, problemHeaders, type ProblemBody } from './problem-answer.js';
import { stateOf, traceHeaders } from './request-state.js';

const RETRY = { retryAfter: 1 } as const;
/** Postgres: text that cannot be stored as UTF-8, and JSON with such text. */
const UNSTORABLE = ['22021', '22P05'];

/** Statuses of Nest's and Express' own exceptions; others of the 4xx are MALFORMED_REQUEST. */
const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'BODY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'VALIDATION_FAILED',
  429: 'TOO_MANY_REQUESTS',
  503: 'UNAVAILABLE',
};

/** What the log says no with. */
function logProblem(error: unknown): Problem | undefined {
  if (error instanceof VersionConflict) {
    return new Problem(
      'VERSION_CONFLICT',
      'Somebody else changed this at the same time: read it again and repeat.',
      {
        cause: error,
      },
    );
  }
  if (error instanceof EventIdConflict) {
    const context = { eventIds: error.ids.slice(0, 10) };
    return new Problem(
      'EVENT_ID_CONFLICT',
      'These event ids were recorded with other content: give new ones.',
      { context },
    );
  }
  if (error instanceof LogOverloaded) {
    return new Problem(
      'OVERLOADED',
      'Nothing was written, because too much is waiting: repeat after a second.',
      RETRY,
    );
  }
  if (error instanceof EventTooLarge || error instanceof AppendTooLarge) {
    return new Problem('EVENT_TOO_LARGE', 'Split what you send into smaller events or fewer at once.', {
      cause: error,
    });
  }
  return undefined;
}

function databaseProblem(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined;
  if (isConnectionError(error)) {
    const detail =
      'The database cannot be reached just now: repeat after a second, with the same Idempotency-Key.';
    return new Problem('UNAVAILABLE', detail, { ...RETRY, cause: error });
  }
  if (isTooSlow(error)) {
    const detail = 'The database took too long, and nothing was done: ask for less at once, or repeat later.';
    return new Problem('UNAVAILABLE', detail, { ...RETRY, cause: error });
  }
  if (UNSTORABLE.includes(sqlState(error) ?? '')) {
    return new Problem(
      'VALIDATION_FAILED',
      'Leave out NUL and lone surrogates: this request cannot hold them.',
      {
        cause: error,
      },
    );
  }
  return undefined;
}

function httpProblem(error: HttpException, request: Request): Problem {
  const status = error.getStatus();
  const route = (request as { route?: unknown }).route;
  if (status === 404 && route === undefined) return noRoute(request);
  if (status >= 500 && status !== 503) return internal(error);
  const detail = error.message.endsWith('.') ? error.message : `${error.message}.`;
  const options = { ...(status === 503 ? RETRY : {}), cause: error };
  return new Problem(CODE_OF_STATUS[status] ?? 'MALFORMED_REQUEST', detail, options);
}

function noRoute(request: Request): Problem {
  const allowed = allowedMethods(request);
  if (allowed.length === 0) {
    return new Problem('NOT_FOUND', 'There is no such route: the API document lists those that exist.');
  }
  const methods = allowed.join(', ');
  return new HttpProblem('METHOD_NOT_ALLOWED', `Use ${methods} here.`, { Allow: methods });
}

const internal = (cause: unknown): Problem =>
  new Problem(
    'INTERNAL',
    'Something failed on our side. Repeat the request; if it fails again, report the trace id.',
    {
      cause,
    },
  );

/** What a request is answered with, whatever was thrown. */
export function toProblem(error: unknown, request: Request): Problem {
  if (error instanceof Problem) return error;
  if (isRefusal(error)) return new RefusalException(error);
  if (error instanceof HttpException) return httpProblem(error, request);
  return logProblem(error) ?? databaseProblem(error) ?? internal(error);
}

/** Answers every error as application/problem+json, and logs those that are our own fault. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger = new Logger('http');

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const problem = toProblem(error, request);
    const answer = problemBody(problem, stateOf(request).traceId, request.path);
    // Once the request is destroyed its socket is gone, whatever the types say.
    const gone = (request.socket as Request['socket'] | null)?.destroyed ?? true;
    if (answer.status === 500 || (answer.status > 500 && !gone)) this.#log(problem, answer, request.method);
    if (gone || response.headersSent) {
      response.destroy();
      return;
    }
    const body = JSON.stringify(answer, (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
    response.removeHeader('ETag');
    response.status(answer.status).set({
      ...traceHeaders(request),
      ...problemHeaders(problem),
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  #log(problem: Problem, { code, status, instance, traceId }: ProblemBody, method: string): void {
    const cause: unknown = problem.options.cause ?? problem;
    const what = `${code} ${method} ${JSON.stringify(instance)} trace ${traceId}`;
    if (status === 500) this.#logger.error(what, cause instanceof Error ? cause.stack : String(cause));
    else this.#logger.warn(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
