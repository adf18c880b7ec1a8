import { BlobReference } from '#libs/kernel/blob-reference.js';
import { SPEC_OWNER, SpecWorld } from '#libs/testing/projection-spec.js';
import { blobProjection } from './blob.projection.js';

const [text, input, image] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];
const stream = 'task-00000000-0000-7000-8000-000000000001';

const world = new SpecWorld();

it('knows which streams refer to a blob: by long values and by attachments, not by what looks like one', async () => {
  const { log } = world;
  const reference = (sha256: string) => new BlobReference(sha256, 1, 'x');
  const madeUp = {
    $blob: { sha256: 'd'.repeat(64), bytes: 1, preview: 'x' },
    attachments: [{ sha256: 'e' }],
  };
  const message = {
    seq: 1,
    role: 'assistant',
    content: reference(text),
    toolCalls: [
      { id: 'one', name: 'Read', input: reference(input) },
      { id: 'two', name: 'Read', input: madeUp },
    ],
    attachments: [{ mediaType: 'image/png', sha256: image, bytes: 1 }],
  };
  log.add(stream, { type: 'MessageRecorded', data: message });
  log.add(stream, { type: 'MessageAmended', data: { ...message, kind: 'message' } });
  log.add('chat-1', { type: 'ChatRenamed', data: { name: 'short' } });
  log.add('chat-1', { type: 'ChatMessageRecorded', data: { content: reference(text) } });
  const { blob_uses: rows } = await world.projected(blobProjection);
  expect(rows!.map(({ sha256, stream: from }) => [sha256, from])).toEqual([
    [text, 'chat-1'],
    [text, stream],
    [input, stream],
    [image, stream],
  ]);
  expect(rows!.every(({ owner_id: owner }) => owner === SPEC_OWNER)).toBe(true);
});
