import { ApiError, problemFrom, reasonOf, UnexpectedAnswerError } from './api-error.js';
import { exitCodeOf } from './exit-codes.js';

describe('exit codes', () => {
  it.each([
    [400, 'MALFORMED_JSON', 7],
    [401, 'UNAUTHENTICATED', 5],
    [403, 'FORBIDDEN', 5],
    [404, 'NOT_FOUND', 3],
    [409, 'VERSION_CONFLICT', 4],
    [409, 'NO_DAEMON', 4],
    [412, 'PRECONDITION_FAILED', 4],
    [413, 'BODY_TOO_LARGE', 7],
    [415, 'UNSUPPORTED_MEDIA_TYPE', 7],
    [422, 'VALIDATION_FAILED', 7],
    [429, 'TOO_MANY_REQUESTS', 4],
    [500, 'INTERNAL', 1],
    [503, 'UNAVAILABLE', 1],
    [503, 'OVERLOADED', 4],
    [503, 'READ_MODEL_BEHIND', 4],
  ])('%i %s ends with %i', (status, code, expected) => {
    expect(exitCodeOf(status, code)).toBe(expected);
  });
});

describe('an error answer', () => {
  const answer = (body: unknown) => problemFrom(409, 'application/problem+json', JSON.stringify(body));

  it('is read as far as it is a problem', () => {
    const error = answer({
      code: 'BUSY',
      detail: 'Wait.',
      errors: [{ field: 'a', detail: 'b' }, 7, null],
      context: [],
      traceId: 5,
    });
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      code: 'BUSY',
      message: 'Wait.',
      errors: [{ field: 'a', detail: 'b' }],
      context: {},
      traceId: undefined,
    });
  });

  it('needs no detail', () => {
    expect(answer({ code: 'BUSY', title: 'Busy' }).message).toBe('Busy');
    expect(answer({ code: 'BUSY' }).message).toBe('The request failed.');
  });

  it.each([null, [], 'text', { detail: 'no code' }])('that reads %j is of no makima server', (body) => {
    expect(answer(body)).toBeInstanceOf(UnexpectedAnswerError);
  });
});

describe('the reason of a failed connection', () => {
  it('is found behind what fetch throws', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(reasonOf(new TypeError('fetch failed', { cause: refused }))).toBe('connection refused');
    expect(reasonOf(new TypeError('fetch failed', { cause: new AggregateError([refused]) }))).toBe(
      'connection refused',
    );
    expect(reasonOf(new Error('something else'))).toBe('something else');
  });
});
