import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Admission, AuthGuard } from './auth.guard.js';
import { MAX_BODY_BYTES } from './body.js';
import { answerClientErrors } from './client-error.js';
import { CursorCodec } from './cursor.js';
import { HttpOptions } from './http-options.js';
import { ProblemFilter } from './problem-filter.js';
import { RequestInterceptor } from './request.interceptor.js';
import { LiveStreams } from './sse.js';
import { DtoPipe } from './validation.js';

/**
 * Everything that each request goes through. A global module elsewhere must provide KeyAuthenticator. The application is
 * made with HTTP_APPLICATION_OPTIONS and passed to configureHttp.
 */
@Module({})
export class HttpModule {
  static forRoot(options: Pick<HttpOptions, 'cursorKey'> & Partial<HttpOptions>): DynamicModule {
    const settings: HttpOptions = { maxBodyBytes: MAX_BODY_BYTES, heartbeatMs: 15_000, ...options };
    return {
      module: HttpModule,
      global: true,
      providers: [
        { provide: HttpOptions, useValue: settings },
        { provide: CursorCodec, useValue: new CursorCodec(settings.cursorKey) },
        LiveStreams,
        Admission,
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_GUARD, useClass: AuthGuard },
        { provide: APP_INTERCEPTOR, useClass: RequestInterceptor },
        { provide: APP_PIPE, useClass: DtoPipe },
      ],
      exports: [HttpOptions, CursorCodec, LiveStreams, Admission],
    };
  }
}

/** For NestFactory.create: bodies are read by this library, after the caller was authenticated. */
export const HTTP_APPLICATION_OPTIONS = { bodyParser: false } as const;

/** Express' settings: no fingerprint, no ETag by hashing whole answers, flat query parameters, problems for all errors. */
export function configureHttp(application: NestExpressApplication): void {
  application.disable('x-powered-by');
  application.disable('etag');
  application.set('query parser', 'simple');
  answerClientErrors(application.getHttpServer());
}
