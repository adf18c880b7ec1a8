import { randomUUID } from 'node:crypto';
import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { bodySchemaOf, committedDocument, deref, operationsOf, type Schema } from './api-document.js';
import { ROUND_TRIPS, WRITES_NOTHING } from './worst-values.js';

const document = committedDocument();
const schemaNamed = (name: string): Schema => document.components['schemas']![name] as Schema;
const nameIn = (schema: Schema): string | undefined =>
  (schema.$ref ?? schema.allOf?.[0]?.$ref ?? schema.items?.$ref)?.split('/').at(-1);

/** Texts and lists that a write request can hold, by schema and field. */
function fieldsOfWrites(): ReadonlyMap<string, Schema> {
  const found = new Map<string, Schema>();
  const visited = new Set<string>();
  const visit = (name: string | undefined): void => {
    if (name === undefined || visited.has(name)) return;
    visited.add(name);
    for (const [field, schema] of Object.entries(schemaNamed(name).properties ?? {})) {
      visit(nameIn(schema));
      const { type, format, enum: words } = schema;
      const isText = type === 'string' && format === undefined && words === undefined;
      const isJson = nameIn(schema) === undefined && type === undefined;
      if (isText || isJson || type === 'array') found.set(`${name}.${field}`, schema);
    }
  };
  for (const operation of operationsOf(document)) visit(bodySchemaOf(operation));
  return found;
}

const fields = fieldsOfWrites();
/** What a request's body may have, without what stands around a value. */
const ROOM = 19_900_000;

/** Characters of one, two, three and four bytes, and one that read models escape; each as long as it may be. */
const textsOf = ({ maxLength = 0, pattern }: Schema, isLine: boolean): readonly string[] => {
  if (pattern) return [`a${'0'.repeat(maxLength - 1)}`];
  const huge = maxLength > 1_000_000;
  const fillings = isLine || huge ? ['x', '漢'] : ['x', 'é', '漢', '\0', '"', '\ud800'];
  return fillings.map((one) =>
    one.repeat(
      Math.min(maxLength, Math.floor(ROOM / (JSON.stringify(one).length - 2) / Buffer.byteLength(one))),
    ),
  );
};

const many = <Item>(count: number, item: (n: number) => Item): readonly Item[] =>
  Array.from({ length: count }, (_, n) => item(n));
const file = (n: number) => ({
  path: `src/a/folder/of/some/length/file-${n}.ts`,
  action: 'M',
  linesAdded: n,
});
const toolCall = (n: number) => ({ id: `call-${n}`, name: 'Read', input: { text: 'x'.repeat(10_000), n } });

/** The longest lists, with items of a size that fits into one request. */
const LISTS: Readonly<Record<string, (most: number) => readonly (readonly unknown[])[]>> = {
  'NewChatMessageRequest.toolCalls': (most) => [many(most, toolCall)],
  'NewChatMessageRequest.pendingQuestions': (most) => [
    many(most, (n) => ({
      id: `q-${n}`,
      question: '漢'.repeat(20_000),
      options: many(50, () => 'é'.repeat(1_000)),
    })),
  ],
  'PendingQuestionDto.options': (most) => [many(most, () => '漢'.repeat(1_000))],
  'CreateTaskRequest.copyFiles': (most) => [
    many(most, (n) => `${n}/`.padEnd(1_900, 'x')),
    ['漢'.repeat(4_096)],
  ],
  'RunnerChoiceDto.command': (most) => [
    many(most, () => '漢'.repeat(500)),
    ['é'.repeat(20_000), '"'.repeat(20_000)],
  ],
  'ActivityDto.toolCalls': (most) => [many(most, toolCall)],
  'ActivityDto.taskIds': (most) => [many(most, () => randomUUID())],
  'ActivityDto.files': (most) => [many(most, file)],
  'CheckpointDto.filesChanged': (most) => [many(most, file)],
  'CheckpointDto.leftOut': (most) => [
    many(most, (n) => ({ path: `${n}/`.padEnd(4_096, 'x'), reason: 'too_large' })),
  ],
  'RecordActivityRequest.items': (most) => [
    many(most, (n) => ({ id: randomUUID(), kind: 'message', role: 'user', content: `${n}` })),
  ],
};

const JSONS = [
  { text: 'x'.repeat(ROOM - 100) },
  { numbers: many(500_000, (n) => n) },
  Object.fromEntries(many(100_000, (n) => [`a key with a number ${n}`, { n: null }])),
  { '\0': ['\ud800', { $blob: { sha256: 'a'.repeat(64), bytes: 1, preview: '' } }] },
];

function valuesOf(key: string): readonly unknown[] {
  const [name] = key.split(' of ');
  const schema = deref(document, fields.get(name!)!);
  if (schema.type === 'array') return LISTS[name!]!(schema.maxItems!);
  const isLine = /(Request|Key|Owner|NewTaskDto)\.(name|newTaskName|taskName)$/.test(name!);
  return schema.type === 'string' ? textsOf(schema, isLine) : JSONS;
}

describe('the longest values that requests may hold', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());

  it('are known for every text and list of every request', () => {
    const known = new Set(Object.keys(ROUND_TRIPS).map((key) => key.split(' of ')[0]));
    expect([...known, ...Object.keys(WRITES_NOTHING)].sort()).toEqual([...fields.keys()].sort());
  });

  it.each(Object.keys(ROUND_TRIPS))(
    'come back as they were written: %s',
    async (key) => {
      for (const value of valuesOf(key)) {
        const back = await ROUND_TRIPS[key]!(app, value as never);
        // Not toEqual: what differs would be printed.
        expect([key, JSON.stringify(back) === JSON.stringify(value)]).toEqual([key, true]);
      }
    },
    60_000,
  );

  it('have stopped no projection', async () => {
    await app.caughtUp();
    const { projections } = await app.get<{ projections: { name: string; status: string }[] }>(
      '/api/v1/admin/projections',
    );
    expect(projections.filter(({ status }) => status !== 'live')).toEqual([]);
    expect(projections.length).toBeGreaterThan(0);
  });
});
