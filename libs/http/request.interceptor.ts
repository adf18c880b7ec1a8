import { createHash } from 'node:crypto';
import {
  applyDecorators,
  Inject,
  Injectable,
  SetMetadata,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBody, ApiConsumes, ApiQuery } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import type { Observable } from 'rxjs';
import { invalid, Problem } from '#libs/kernel/problem.js';
import { hasBody, mediaTypeOf, readJson } from './body.js';
import { HttpOptions } from './http-options.js';
import { stateOf, traceHeaders } from './request-state.js';
import { nameOf, SHARED_PARAMETERS } from './validation.js';

const ACCEPTS_AS_OF = 'makima:as-of';
const STREAMED_BODY = 'makima:streamed-body';

/** The route takes `?asOf=`; elsewhere that is an unknown parameter. */
export const AcceptsAsOf = (): MethodDecorator =>
  applyDecorators(
    SetMetadata(ACCEPTS_AS_OF, true),
    ApiQuery({
      name: 'asOf',
      required: false,
      description:
        'Answer as things stood then: a position (inclusive), or an ISO 8601 date-time with a zone.',
      schema: { type: 'string' },
      example: '2025-01-31T09:30:00Z',
    }),
  );

/**
 * The route reads its body itself, from the request as a stream, of one of these media types. Such a body is not part of
 * `requestHash`.
 */
export const StreamedBody = (...mediaTypes: readonly string[]): MethodDecorator =>
  applyDecorators(
    SetMetadata(STREAMED_BODY, mediaTypes),
    ApiConsumes(...mediaTypes),
    ApiBody({ schema: { type: 'string', format: 'binary' } }),
  );

// Nest keeps a method's parameters under this name, as `<kind>:<index>`; 3 is @Body, 4 is @Query.
const ROUTE_PARAMETERS = '__routeArguments__';

function takes(kind: 3 | 4, controller: Type, method: string): boolean {
  const parameters = (Reflect.getMetadata(ROUTE_PARAMETERS, controller, method) ?? {}) as object;
  return Object.keys(parameters).some((key) => key.startsWith(`${kind}:`));
}

/**
 * What every authenticated request goes through before its parameters are read: answer headers, the JSON body, and a
 * refusal of query parameters and bodies that the route does not know.
 */
@Injectable()
export class RequestInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    @Inject(HttpOptions) private readonly options: HttpOptions,
  ) {}

  async intercept(execution: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = execution.switchToHttp().getRequest<Request>();
    const response = execution.switchToHttp().getResponse<Response>();
    response.set({
      ...traceHeaders(request),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    this.#checkParameters(execution, request);
    await this.#readBody(execution, request);
    return next.handle();
  }

  #checkParameters(execution: ExecutionContext, request: Request): void {
    const handler = execution.getHandler();
    const known = new Set<string>();
    if (request.method === 'GET' || request.method === 'HEAD') known.add('minPosition');
    if (this.reflector.get<boolean | undefined>(ACCEPTS_AS_OF, handler)) known.add('asOf');
    const checkedByDto = takes(4, execution.getClass(), handler.name);
    const unknown = Object.keys(request.query).filter((name) =>
      checkedByDto ? SHARED_PARAMETERS.includes(name) && !known.has(name) : !known.has(name),
    );
    if (unknown.length === 0) return;
    throw invalid(
      ...unknown.map((name) => ({ field: nameOf(name), code: 'UNKNOWN_FIELD', detail: 'is not known here' })),
    );
  }

  async #readBody(execution: ExecutionContext, request: Request): Promise<void> {
    const handler = execution.getHandler();
    const streamed = this.reflector.get<readonly string[] | undefined>(STREAMED_BODY, handler);
    if (streamed) return assertMediaType(request, streamed);
    if (!hasBody(request)) return;
    const { value, bytes } = await readJson(request, this.options.maxBodyBytes);
    stateOf(request).bodyHash = createHash('sha256').update(bytes).digest();
    request.body = value;
    if (takes(3, execution.getClass(), handler.name)) return;
    if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return;
    throw invalid({ field: 'body', code: 'UNKNOWN_FIELD', detail: 'must be left out: the route takes none' });
  }
}

function assertMediaType(request: Request, mediaTypes: readonly string[]): void {
  if (mediaTypes.includes(mediaTypeOf(request))) return;
  throw new Problem(
    'UNSUPPORTED_MEDIA_TYPE',
    `Send the body as ${mediaTypes.join(' or ')}, named in Content-Type.`,
  );
}
