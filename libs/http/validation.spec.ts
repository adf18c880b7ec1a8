import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { listen, type Listening } from '#libs/testing/listening.js';
import type { FieldError } from '#libs/kernel/problem.js';
import { Requires } from './auth.guard.js';
import {
  IsFlag,
  IsId,
  IsInstant,
  IsJson,
  IsName,
  IsOneOf,
  IsPosition,
  IsQuantity,
  IsText,
  IsWhole,
} from './fields.js';
import { IsIds, IsNested, IsNestedList, IsSomeOf, IsTexts } from './structured-fields.js';
import { IdParam, TextParam } from './validation.js';

class Inner {
  @IsText({ description: 'a text', max: 10 }) text!: string;
}
class Outer {
  @IsText({ description: 'any text', max: 100, optional: true }) text?: string;
  @IsName({ description: 'a name', optional: true }) name?: string;
  @IsInstant({ description: 'when', optional: true }) at?: Date;
  @IsFlag({ description: 'a flag', optional: true, default: false }) flag = false;
  @IsWhole({ description: 'a number', min: 1, max: 10, optional: true, nullable: true }) count?:
    number | null;
  @IsQuantity({ description: 'a cost', min: 0, max: 10, optional: true }) cost?: number;
  @IsJson({ description: 'any JSON', optional: true }) json?: unknown;
  @IsNested(() => Inner, { description: 'an object', optional: true }) inner?: Inner;
  @IsNestedList(() => Inner, { description: 'objects', maxItems: 3, optional: true }) list?: Inner[];
  @IsTexts({ description: 'texts', maxItems: 2, max: 5, optional: true }) texts?: string[];
}
class Filters {
  @IsWhole({ description: 'how many', min: 1, max: 500, optional: true, default: 100 }) limit = 100;
  @IsFlag({ description: 'a flag', optional: true }) flag?: boolean;
  @IsId({ description: 'an id', optional: true }) task?: string;
  @IsIds({ description: 'ids', maxItems: 3, optional: true }) tasks?: string[];
  @IsSomeOf(['a', 'b', 'c'], { description: 'kinds', optional: true }) kinds?: string[];
  @IsOneOf(['asc', 'desc'], { description: 'order', optional: true }) order?: string;
  @IsInstant({ description: 'since', optional: true }) from?: Date;
  @IsPosition({ description: 'a position', optional: true }) after?: bigint;
}
class StrictFilters extends Filters {
  @IsText({ description: 'must be there', max: 5 }) needed!: string;
}

@Requires()
@Controller()
class Echo {
  @Post('echo') @HttpCode(200) echo(@Body() body: Outer): unknown {
    return {
      className: body.constructor.name,
      ...body,
      ownKeysOfJson: Object.keys(body.json ?? {}),
    };
  }
  @Get('filters') filters(@Query() query: Filters): unknown {
    return { ...query, after: typeof query.after };
  }
  @Get('strict') strict(@Query() query: StrictFilters): unknown {
    return query;
  }
  @Get('things/:id') thing(@IdParam('id') id: string): unknown {
    return { id };
  }
  @Get('streams/:name') stream(@TextParam('name', { max: 10, pattern: /^[a-z-]+$/ }) name: string): unknown {
    return { name };
  }
}

const ID = '0190a0b0-0000-7000-8000-0000000000ff';
let server: Listening;
beforeAll(async () => {
  server = await listen({ controllers: [Echo] });
});
afterAll(() => server.close());

const answer = async (response: Promise<Response>): Promise<Record<string, unknown>> => {
  const got = await response;
  return { status: got.status, ...((await got.json()) as object) };
};
const echo = (body: unknown) => answer(server.call('POST', '/echo', body));
const raw = (text: string) =>
  answer(
    fetch(`${server.url}/echo`, {
      method: 'POST',
      headers: { authorization: 'Bearer alice', 'content-type': 'application/json' },
      body: text,
    }),
  );
const filters = (query: string) => answer(server.call('GET', `/filters?${query}`));

describe('a body', () => {
  it('arrives as an instance with converted values and defaults', async () => {
    const got = await echo({ at: '2025-01-31T09:30:00+01:00', inner: { text: 'x' }, list: [{ text: 'y' }] });
    expect(got).toMatchObject({
      status: 200,
      className: 'Outer',
      at: '2025-01-31T08:30:00.000Z',
      flag: false,
      inner: { text: 'x' },
      list: [{ text: 'y' }],
    });
  });

  it('may be left out when no field is required', async () => {
    expect(await answer(server.call('POST', '/echo'))).toMatchObject({ status: 200, flag: false });
  });

  it.each([
    ['an unknown field', { nope: 1 }, 'nope', 'UNKNOWN_FIELD'],
    ['an unknown nested field', { inner: { text: 'x', nope: 1 } }, 'inner.nope', 'UNKNOWN_FIELD'],
    ['a missing nested field', { inner: {} }, 'inner.text', 'REQUIRED'],
    ['a wrong item', { list: [{ text: 'x' }, { text: 5 }] }, 'list[1].text', 'INVALID'],
    ['a list item that is no object', { list: [null] }, 'list', 'INVALID'],
    ['a list for an object', { inner: [{ text: 'x' }] }, 'inner', 'INVALID'],
    ['a text for an object', { inner: 'x' }, 'inner', 'INVALID'],
    ['an object for a list', { list: { text: 'x' } }, 'list', 'INVALID'],
    ['too many items', { list: [1, 2, 3, 4].map(() => ({ text: 'x' })) }, 'list', 'INVALID'],
    ['a number for a text', { text: 5 }, 'text', 'INVALID'],
    ['an empty text', { text: '' }, 'text', 'INVALID'],
    ['null for what is optional only', { text: null }, 'text', 'INVALID'],
    ['a text for a number', { count: '5' }, 'count', 'INVALID'],
    ['a fraction', { count: 1.5 }, 'count', 'INVALID'],
    ['a number out of range', { count: 11 }, 'count', 'INVALID'],
    ['a text for a flag', { flag: 'true' }, 'flag', 'INVALID'],
    ['a name with a line break', { name: 'a\nb' }, 'name', 'INVALID'],
    ['a name that turns text around', { name: 'a\u202eb' }, 'name', 'INVALID'],
    ['a name with a lone surrogate', { name: 'a\ud800' }, 'name', 'INVALID'],
    ['a blank name', { name: '   ' }, 'name', 'INVALID'],
    ['a text in a list that is too long', { texts: ['123456'] }, 'texts', 'INVALID'],
  ])('refuses %s', async (_, body, field, code) => {
    const got = await echo(body);
    expect(got).toMatchObject({ status: 422, code: 'VALIDATION_FAILED', errors: [{ field, code }] });
  });

  it.each(['null', '[]', '"x"', '5', '[{"text":"x"}]'])('refuses %s, which is no object', async (text) => {
    expect(await raw(text)).toMatchObject({ status: 422, errors: [{ field: 'body' }] });
  });

  it.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString', '__defineGetter__'])(
    'names %s as unknown, and nothing is polluted',
    async (key) => {
      const at = (body: string) => raw(body.replace('KEY', JSON.stringify(key)));
      expect(await at('{KEY:{"polluted":1}}')).toMatchObject({
        status: 422,
        errors: [{ field: key, code: 'UNKNOWN_FIELD' }],
      });
      expect(await at('{"inner":{"text":"x",KEY:{"polluted":1}}}')).toMatchObject({
        status: 422,
        errors: [{ field: `inner.${key}`, code: 'UNKNOWN_FIELD' }],
      });
      expect('polluted' in {}).toBe(false);
    },
  );

  it('keeps such keys in free-form JSON as data', async () => {
    const got = await raw('{"json":{"__proto__":{"polluted":1},"constructor":1,"then":2}}');
    expect(got).toMatchObject({ status: 200, ownKeysOfJson: ['__proto__', 'constructor', 'then'] });
    expect('polluted' in {}).toBe(false);
  });

  it('keeps NUL and lone surrogates in texts', async () => {
    expect(await raw('{"text":"a\\u0000b\\ud800c"}')).toMatchObject({ status: 200, text: 'a\0b\ud800c' });
  });

  it('refuses a number that is too large to be one', async () => {
    expect(await raw('{"cost":1e400}')).toMatchObject({ status: 422, errors: [{ field: 'cost' }] });
    expect(await raw('{"count":1e400}')).toMatchObject({ status: 422, errors: [{ field: 'count' }] });
  });

  it('names several wrong fields at once', async () => {
    const { errors } = await echo({ nope: 1, count: 0, flag: 1 });
    expect((errors as readonly FieldError[]).map(({ field }) => field).sort()).toEqual([
      'count',
      'flag',
      'nope',
    ]);
  });

  it('takes null where that is allowed', async () => {
    expect(await echo({ count: null })).toMatchObject({ status: 200, count: null });
  });
});

it.each([5, 'yesterday', '2025-01-01', '+275760-09-13T00:00:00Z'])('%j is no instant', async (at) => {
  expect(await echo({ at })).toMatchObject({ status: 422, errors: [{ field: 'at' }] });
});

describe('a query', () => {
  it('is converted', async () => {
    const got = await filters(
      `limit=7&flag=true&task=${ID.toUpperCase()}&kinds=a,b&kinds=c&after=12&from=2025-01-01T00:00:00Z`,
    );
    expect(got).toMatchObject({
      status: 200,
      limit: 7,
      flag: true,
      task: ID,
      kinds: ['a', 'b', 'c'],
      after: 'bigint',
      from: '2025-01-01T00:00:00.000Z',
    });
    expect(await filters('')).toMatchObject({ status: 200, limit: 100 });
  });

  it.each([
    ['limit=x', 'limit'],
    ['limit=0', 'limit'],
    ['limit=1e2', 'limit'],
    ['limit=5&limit=6', 'limit'],
    ['limit=', 'limit'],
    ['flag=1', 'flag'],
    ['flag=TRUE', 'flag'],
    ['task=x', 'task'],
    [`tasks=${ID},x`, 'tasks'],
    ['kinds=a,d', 'kinds'],
    ['kinds=a,', 'kinds'],
    ['order=up', 'order'],
    ['order=asc&order=desc', 'order'],
    ['from=now', 'from'],
    ['after=-1', 'after'],
    ['after=9223372036854775808', 'after'],
    ['nope=1', 'nope'],
    ['__proto__=1', '__proto__'],
    ['__proto__[x]=1', '__proto__[x]'],
    ['constructor=1', 'constructor'],
    ['asOf=5', 'asOf'],
    ['kinds[]=a', 'kinds[]'],
  ])('%s is refused and %s named', async (query, field) => {
    expect(await filters(query)).toMatchObject({
      status: 422,
      code: 'VALIDATION_FAILED',
      errors: [{ field }],
    });
  });

  it('must not lack what is required, and knows the fields of the class that it extends', async () => {
    expect(await answer(server.call('GET', '/strict?limit=5'))).toMatchObject({
      status: 422,
      errors: [{ field: 'needed', code: 'REQUIRED' }],
    });
    expect(await answer(server.call('GET', '/strict?limit=5&needed=x'))).toMatchObject({
      status: 200,
      limit: 5,
    });
  });

  it('is refused by a route that takes none, except for what all routes share', async () => {
    expect(await answer(server.call('GET', `/things/${ID}?x=1`))).toMatchObject({
      status: 422,
      errors: [{ field: 'x' }],
    });
    expect(await answer(server.call('GET', `/things/${ID}?minPosition=5`))).toMatchObject({ status: 200 });
  });
});

describe('a path parameter', () => {
  it('that is an id arrives in lower case', async () => {
    expect(await answer(server.call('GET', `/things/${ID.toUpperCase()}`))).toMatchObject({
      status: 200,
      id: ID,
    });
  });

  it.each(['x', '%00', '..%2f..', `${ID}x`, '%F0%9F%92%A9', '__proto__'])('%s is no id', async (id) => {
    expect(await answer(server.call('GET', `/things/${id}`))).toMatchObject({
      status: 422,
      errors: [{ field: 'id' }],
    });
  });

  it('that is a text follows its pattern', async () => {
    expect(await answer(server.call('GET', '/streams/task-a'))).toMatchObject({
      status: 200,
      name: 'task-a',
    });
    expect(await answer(server.call('GET', '/streams/task-a-far-too-long'))).toMatchObject({ status: 422 });
    expect(await answer(server.call('GET', '/streams/%27--'))).toMatchObject({
      status: 422,
      errors: [{ field: 'name' }],
    });
  });
});
