import { get } from 'node:http';
import { Controller, Get, Put, Res } from '@nestjs/common';
import type { Response as ExpressResponse } from 'express';
import { listen, type Listening } from '#libs/testing/listening.js';
import { Requires } from './auth.guard.js';
import { setContentTag, setControlVersion } from './etag.js';
import { Context, type RequestContext } from './request-context.js';

const VERSION = 12;

@Requires()
@Controller()
class Versioned {
  @Get('thing') read(@Res({ passthrough: true }) response: ExpressResponse): unknown {
    setControlVersion(response, VERSION);
    return { at: VERSION };
  }
  @Put('thing') write(@Context() context: RequestContext): unknown {
    return { ifMatch: context.ifMatch ?? null };
  }
  @Get('blob') blob(@Res({ passthrough: true }) response: ExpressResponse): unknown {
    setContentTag(response, 'abc');
    return { content: 1 };
  }
}

let server: Listening;
beforeAll(async () => {
  server = await listen({ controllers: [Versioned] });
});
afterAll(() => server.close());

const put = async (ifMatch?: string): Promise<Record<string, unknown>> => {
  const response = await server.call(
    'PUT',
    '/thing',
    undefined,
    ifMatch === undefined ? {} : { 'if-match': ifMatch },
  );
  return {
    status: response.status,
    ...((await response.json()) as object),
  };
};

/** fetch would add Cache-Control: no-cache, which turns If-None-Match off. */
const conditional = (
  path: string,
  etag: string,
): Promise<readonly [status: number | undefined, body: string]> =>
  new Promise((resolve, reject) => {
    const headers = { authorization: 'Bearer alice', 'if-none-match': etag };
    get(server.url + path, { headers }, (response) => {
      let body = '';
      response
        .setEncoding('utf8')
        .on('data', (chunk: string) => (body += chunk))
        .on('end', () => resolve([response.statusCode, body]));
    }).on('error', reject);
  });

describe('a control version', () => {
  it('is the ETag, and matches', async () => {
    const etag = (await server.call('GET', '/thing')).headers.get('etag');
    expect(etag).toBe('"cv-12"');
    expect(await put(etag!)).toMatchObject({ status: 200, ifMatch: VERSION });
  });

  it('need not be given', async () => {
    expect(await put()).toMatchObject({ status: 200, ifMatch: null });
    expect(await put('*')).toMatchObject({ status: 200, ifMatch: null });
  });

  it.each(['"abc"', '""', 'W/"cv-12"', '"cv--1"', '"cv-1e9"', '"cv-9999999999999999999"', '"12"'])(
    'forged as %s matches nothing',
    async (etag) => {
      expect(await put(etag)).toMatchObject({ status: 412, code: 'PRECONDITION_FAILED' });
    },
  );

  it.each(['cv-12', '12', '"cv-12', '"cv-12", "cv-13"', '"a"b"', "'cv-12'"])(
    'malformed as %s is refused',
    async (etag) => {
      expect(await put(etag)).toMatchObject({ status: 400, code: 'MALFORMED_ETAG' });
    },
  );

  it('never answers 304, because the answer holds more than it counts', async () => {
    expect(await conditional('/thing', '"cv-12"')).toEqual([200, '{"at":12}']);
  });
});

it('a content tag answers 304 to who has the content', async () => {
  expect(await conditional('/blob', '"abc"')).toEqual([304, '']);
  expect(await conditional('/blob', '"abd"')).toEqual([200, '{"content":1}']);
});
