import { Body, Controller, Delete, Get, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags, type OpenAPIObject } from '@nestjs/swagger';
import { listen } from '#libs/testing/listening.js';
import { Public, Requires } from './auth.guard.js';
import { IsInstant, IsName, IsOneOf, IsWhole } from './fields.js';
import { buildDocument } from './openapi.js';
import { AcceptsAsOf, StreamedBody } from './request.interceptor.js';
import { IsNested, IsNestedList, IsSomeOf } from './structured-fields.js';
import { IdParam, TextParam } from './validation.js';

class Inner {
  @IsName({ description: 'A name', example: 'x' }) name!: string;
}
class Outer {
  @IsInstant({ description: 'When', nullable: true }) at!: Date | null;
  @IsOneOf(['a', 'b'], { description: 'Which', optional: true, nullable: true }) kind?: string | null;
  @IsNested(() => Inner, { description: 'Within', nullable: true, optional: true }) inner?: Inner | null;
  @IsNestedList(() => Inner, { description: 'Several', maxItems: 2, optional: true }) list?: Inner[];
}
class Filters {
  @IsWhole({ description: 'How many', min: 1, max: 5, optional: true, default: 3 }) limit = 3;
  @IsSomeOf(['a', 'b'], { description: 'Kinds', optional: true }) kinds?: string[];
}
class Answer {
  @ApiProperty({ description: 'Maybe', type: String, nullable: true }) nullable!: string | null;
}

@ApiTags('things')
@Requires('history:read')
@Controller('things')
class ThingController {
  @Get() @AcceptsAsOf() @ApiOperation({ summary: 'List' }) list(@Query() _: Filters): Answer {
    return { nullable: null };
  }
  @Post(':id') @Requires('history:write') create(@IdParam('id') _: string, @Body() __: Outer): void {}
  @Delete(':name') remove(@TextParam('name', { max: 5, pattern: /^x+$/ }) _: string): void {}
  @Post('lines') @StreamedBody('application/x-ndjson') lines(): void {}
  @Public() @Get('health') health(): void {}
}

let document: OpenAPIObject;
beforeAll(async () => {
  const server = await listen({ controllers: [ThingController] });
  document = buildDocument(server.application, '1.2.3');
  expect(JSON.stringify(buildDocument(server.application, '1.2.3'))).toBe(JSON.stringify(document));
  await server.close();
});

/** Every value below a value, with its path. */
function* below(value: unknown, path = '#'): Generator<readonly [string, unknown]> {
  yield [path, value];
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) yield* below(inner, `${path}/${key}`);
}

describe('the document', () => {
  it('is OpenAPI 3.1 and names every route once', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
    expect(Object.keys(document.paths)).toEqual([
      '/things',
      '/things/health',
      '/things/lines',
      '/things/{id}',
      '/things/{name}',
    ]);
    const ids = [...below(document.paths)]
      .filter(([path]) => path.endsWith('/operationId'))
      .map(([, id]) => id);
    expect(ids.sort()).toEqual(['Thing.create', 'Thing.health', 'Thing.lines', 'Thing.list', 'Thing.remove']);
  });

  it('points to nothing that it does not hold', () => {
    const references = [...below(document)]
      .filter(([path]) => path.endsWith('/$ref'))
      .map(([, target]) => String(target));
    const places = new Set([...below(document)].map(([path]) => path));
    expect(references.length).toBeGreaterThan(20);
    for (const target of references) expect(places).toContain(target);
  });

  it('says who may call what', () => {
    expect(document.paths['/things']!.get!.security).toEqual([{ bearer: ['history:read'] }]);
    expect(document.paths['/things/{id}']!.post!.security).toEqual([{ bearer: ['history:write'] }]);
    expect(document.paths['/things/health']!.get!.security).toEqual([]);
    expect(document.components!.securitySchemes).toMatchObject({
      bearer: { type: 'http', scheme: 'bearer' },
    });
    expect(JSON.stringify(document)).not.toContain('x-makima');
  });

  it('has problems on every route', () => {
    for (const [path, item] of Object.entries(document.paths)) {
      for (const operation of [item.get, item.post, item.delete]) {
        if (!operation) continue;
        expect([path, operation.responses]).toMatchObject([
          path,
          { 422: {}, 503: {}, default: { $ref: '#/components/responses/Problem' } },
        ]);
      }
    }
    expect(Object.keys(document.paths['/things/{id}']!.post!.responses)).toEqual(
      expect.arrayContaining(['201', '400', '401', '403', '404', '409', '412', '413', '415']),
    );
  });

  it('knows parameters, those that all routes share too', () => {
    const names = (operation: { parameters?: readonly object[] } | undefined): readonly string[] =>
      (operation?.parameters ?? []).map((parameter) =>
        'name' in parameter
          ? String(parameter.name)
          : '$ref' in parameter
            ? String(parameter.$ref).slice(24)
            : '',
      );
    expect([...names(document.paths['/things']!.get)].sort()).toEqual(
      ['/Owner', '/Traceparent', 'MinPosition', 'asOf', 'kinds', 'limit']
        .map((name) => name.replace('/', ''))
        .sort(),
    );
    expect(names(document.paths['/things/{id}']!.post)).toEqual(
      expect.arrayContaining(['id', 'IdempotencyKey', 'IfMatch']),
    );
    expect(document.paths['/things/{id}']!.post!.parameters).toContainEqual({
      name: 'id',
      in: 'path',
      required: true,
      schema: { type: 'string', format: 'uuid' },
    });
    expect(document.paths['/things/{name}']!.delete!.parameters).toContainEqual({
      name: 'name',
      in: 'path',
      required: true,
      schema: { type: 'string', maxLength: 5, pattern: '^x+$' },
    });
    expect(document.paths['/things']!.get!.parameters).toContainEqual({
      name: 'limit',
      in: 'query',
      required: false,
      description: 'How many',
      schema: { type: 'integer', minimum: 1, maximum: 5, default: 3 },
    });
  });

  it('describes bodies, with null as JSON Schema has it', () => {
    expect(document.paths['/things/lines']!.post!.requestBody).toMatchObject({
      content: { 'application/x-ndjson': { schema: { type: 'string', format: 'binary' } } },
    });
    expect([...below(document)].filter(([path]) => /(?<!properties)\/nullable$/.test(path))).toEqual([]);
    expect(document.components!.schemas!.Outer).toEqual({
      type: 'object',
      required: ['at'],
      properties: {
        at: { type: ['string', 'null'], format: 'date-time', description: 'When' },
        kind: { type: ['string', 'null'], enum: ['a', 'b', null], description: 'Which' },
        inner: { description: 'Within', anyOf: [{ $ref: '#/components/schemas/Inner' }, { type: 'null' }] },
        list: {
          type: 'array',
          items: { $ref: '#/components/schemas/Inner' },
          minItems: 0,
          maxItems: 2,
          description: 'Several',
        },
      },
    });
  });
});
