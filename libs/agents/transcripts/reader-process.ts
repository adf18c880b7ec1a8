// A process that reads transcripts, started by `TranscriptReading`. Its standard input is the file that holds all bytes,
// descriptor 3 brings what is wanted, standard output takes the answers. It ends when nobody wants anything any more.
import { createReadStream, readSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { FrameWriter, type FilePlace, type ReaderRequest } from './reader-frames.js';
import { TranscriptShelf, type SizedFile } from './transcript-shelf.js';

const BYTES = 0;
const ANSWERS = 1;
const REQUESTS = 3;

const answers = new FrameWriter(ANSWERS);

const fileAt = ({ name, from, size }: FilePlace): SizedFile => ({
  name,
  size,
  get bytes() {
    answers.write({ kind: 'opens', name });
    answers.flush();
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size;) {
      const count = readSync(BYTES, bytes, at, size - at, from + at);
      if (count === 0) throw new Error('it is shorter than it was said to be');
      at += count;
    }
    return bytes;
  },
});

function hand(shelf: TranscriptShelf | undefined, index: number): void {
  const transcript = shelf?.take(index);
  if (!transcript) throw new Error('nothing was looked through yet');
  const { sessions, report } = transcript;
  answers.write({ kind: 'transcript', report, sessions: sessions.map(({ entries: _, ...head }) => head) });
  for (const [session, { entries }] of sessions.entries())
    for (const entry of entries) answers.write({ kind: 'entry', session, entry });
  answers.write({ kind: 'end' });
}

let shelf: TranscriptShelf | undefined;
for await (const line of createInterface({ input: createReadStream('', { fd: REQUESTS }) })) {
  const request = JSON.parse(line) as ReaderRequest;
  if ('files' in request) {
    shelf = new TranscriptShelf(request.files.map(fileAt));
    answers.write({ kind: 'survey', survey: shelf.survey });
  } else hand(shelf, request.take);
  answers.flush();
}
