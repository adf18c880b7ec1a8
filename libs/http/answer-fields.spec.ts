import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, type OpenAPIObject } from '@nestjs/swagger';
import { listen } from '#libs/testing/listening.js';
import {
  ApiBytes,
  ApiEventStream,
  ApiJsonOrLines,
  GivesCounts,
  GivesCursor,
  GivesFlag,
  GivesHash,
  GivesId,
  GivesIds,
  GivesInstant,
  GivesJson,
  GivesJsonObject,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesPosition,
  GivesProblem,
  GivesQuantity,
  GivesSomeOf,
  GivesText,
  GivesTexts,
  GivesWhole,
} from './answer-fields.js';
import { Public } from './auth.guard.js';
import { buildDocument } from './openapi.js';

class Inner {
  @GivesText('A text.', { example: 'x' }) readonly text!: string;
}
class Answer {
  @GivesId('An id.', { nullable: true }) readonly id!: string | null;
  @GivesIds('Ids.') readonly ids!: readonly string[];
  @GivesInstant('A moment.') readonly at!: string;
  @GivesPosition('A position.') readonly position!: string;
  @GivesCursor() readonly cursor?: string;
  @GivesHash('A hash.') readonly hash!: string;
  @GivesWhole('A number.', { optional: true }) readonly count?: number;
  @GivesQuantity('An amount.') readonly cost!: number;
  @GivesFlag('Yes or no.') readonly flag!: boolean;
  @GivesOneOf(['a', 'b'], 'A word.', { nullable: true }) readonly word!: string | null;
  @GivesSomeOf(['a', 'b'], 'Words.') readonly words!: readonly string[];
  @GivesTexts('Texts.') readonly texts!: readonly string[];
  @GivesCounts('Counts.') readonly counts!: Readonly<Record<string, number>>;
  @GivesJson('Anything.') readonly anything!: unknown;
  @GivesJsonObject('An object.') readonly object!: Readonly<Record<string, unknown>>;
  @GivesObject(() => Inner, 'Within.', { nullable: true }) readonly inner!: Inner | null;
  @GivesList(() => Inner, 'Several.') readonly list!: readonly Inner[];
  @GivesProblem('What failed.', { optional: true }) readonly problem?: unknown;
}

@Public()
@Controller('answers')
class AnswerController {
  @Get() @ApiOkResponse({ type: Answer }) all(): void {}
  @Get('events') @ApiEventStream('Messages.', Answer, Inner) events(): void {}
  @Get('lines') @ApiJsonOrLines('All, or one a line.', Answer, Inner) lines(): void {}
  @Get('bytes') @ApiBytes('Bytes.') bytes(): void {}
}

describe('the fields of answers in the document', () => {
  let document: OpenAPIObject;
  beforeAll(async () => {
    const server = await listen({ controllers: [AnswerController] });
    document = buildDocument(server.application, '1');
    await server.close();
  });

  it('say their type, format and what they mean', () => {
    expect(document.components!.schemas!['Answer']).toMatchObject({
      properties: {
        id: { type: ['string', 'null'], format: 'uuid', description: 'An id.' },
        ids: { type: 'array', items: { type: 'string', format: 'uuid' } },
        at: { type: 'string', format: 'date-time' },
        position: { type: 'string', pattern: '^[0-9]{1,19}$' },
        hash: { type: 'string', pattern: '^[0-9a-f]+$' },
        count: { type: 'integer', minimum: 0 },
        cost: { type: 'number', minimum: 0 },
        flag: { type: 'boolean' },
        word: { type: ['string', 'null'], enum: ['a', 'b', null] },
        words: { type: 'array', items: { type: 'string', enum: ['a', 'b'] } },
        texts: { type: 'array', items: { type: 'string' } },
        counts: { type: 'object', additionalProperties: { type: 'integer', minimum: 0 } },
        object: { type: 'object', additionalProperties: true },
        inner: { anyOf: [{ $ref: '#/components/schemas/Inner' }, { type: 'null' }] },
        list: { type: 'array', items: { $ref: '#/components/schemas/Inner' } },
      },
    });
  });

  it('leave the type out where any JSON goes', () => {
    const { properties } = document.components!.schemas!['Answer'] as { properties: Record<string, unknown> };
    expect(properties['anything']).toEqual({ description: 'Anything.' });
    expect(properties['problem']).toEqual({
      description: 'What failed.',
      allOf: [{ $ref: '#/components/schemas/Problem' }],
    });
  });

  it('are required unless they may be left out', () => {
    const { required, properties } = document.components!.schemas!['Answer'] as {
      required: string[];
      properties: object;
    };
    const optional = Object.keys(properties).filter((name) => !required.includes(name));
    expect(optional).toEqual(['cursor', 'count', 'problem']);
  });

  it('stand under the media type that they come in', () => {
    const contentOf = (path: string): unknown =>
      (document.paths[path]!.get!.responses['200'] as { content: unknown }).content;
    const [answer, inner] = ['Answer', 'Inner'].map((name) => ({ $ref: `#/components/schemas/${name}` }));
    expect(contentOf('/answers/events')).toEqual({
      'text/event-stream': { schema: { oneOf: [answer, inner] } },
    });
    expect(contentOf('/answers/lines')).toEqual({
      'application/json': { schema: answer },
      'application/x-ndjson': { schema: inner },
    });
    expect(contentOf('/answers/bytes')).toEqual({
      'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
    });
    expect(document.paths['/answers/events']!.get!.parameters).toContainEqual(
      expect.objectContaining({ in: 'header', name: 'Last-Event-ID', required: false }),
    );
  });
});
