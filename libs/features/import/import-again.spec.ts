import fc from 'fast-check';
import {
  anySteps,
  claudeCodeAtRandom,
  codexAtRandom,
  geminiCliAtRandom,
  type RandomTranscript,
} from './spec-random.js';
import { Stream } from './spec-stream.js';
import type { Placed } from './transcript-view.js';

/** The messages and results that a task shows, first to last, as they are now. */
function shownBy(stream: Stream): readonly Readonly<Record<string, unknown>>[] {
  const said = new Map<number, Readonly<Record<string, unknown>>>();
  for (const { event } of stream.events) {
    if (event.type === 'MessageRecorded' || event.type === 'ToolResultRecorded') {
      said.set(event.data.seq, { ...event.data });
    } else if (event.type === 'MessageAmended') {
      const { kind: _kind, answeredCalls: _calls, ...data } = { answeredCalls: [], ...event.data };
      const { callSeq, seq } = said.get(event.data.seq) ?? {};
      said.set(event.data.seq, { ...data, seq, ...(callSeq !== undefined && { callSeq }) });
    }
  }
  const known = stream.known();
  expect(known.shownBeside).toBeNull();
  const shown: Readonly<Record<string, unknown>>[] = [];
  for (let at: Placed | null = known.view.end; at; at = at.before) shown.push(said.get(at.place.seq)!);
  return shown.toReversed();
}

const whole = ({ lines, session }: RandomTranscript): Stream => {
  const stream = new Stream();
  stream.import(session(lines.length));
  return stream;
};

/** Runs a check with transcripts of an agent; enough of them that each kind of step meets each other one. */
const withEach = (
  transcriptOf: (steps: Parameters<typeof claudeCodeAtRandom>[0]) => RandomTranscript,
  check: (transcript: RandomTranscript, cuts: readonly number[]) => void,
): void =>
  fc.assert(
    fc.property(anySteps, fc.array(fc.nat(40), { maxLength: 6 }), (steps, cuts) =>
      check(transcriptOf(steps), cuts),
    ),
    { numRuns: 150 },
  );

describe.each([
  ['Claude Code', claudeCodeAtRandom],
  ['Codex', codexAtRandom],
  ['Gemini CLI', geminiCliAtRandom],
])('any transcript of %s', (_agent, transcriptOf) => {
  it('adds nothing when it is imported again', () => {
    withEach(transcriptOf, (transcript) => {
      const stream = whole(transcript);
      expect(stream.import(transcript.session(transcript.lines.length)).happenings).toEqual([]);
    });
  });

  it('shows the same in whatever pieces it arrives, each of them more than once', () => {
    withEach(transcriptOf, (transcript, cuts) => {
      const pieces = new Stream();
      const counts = cuts.map((cut) => Math.min(cut + 2, transcript.lines.length)).toSorted((a, b) => a - b);
      for (const count of [...counts, transcript.lines.length]) {
        pieces.import(transcript.session(count));
        expect(pieces.import(transcript.session(count)).happenings).toEqual([]);
      }
      expect(shownBy(pieces)).toEqual(shownBy(whole(transcript)));
    });
  });

  it('takes nothing from an earlier copy of it', () => {
    withEach(transcriptOf, (transcript, cuts) => {
      const stream = whole(transcript);
      for (const cut of cuts) {
        const earlier = transcript.session(Math.min(cut + 2, transcript.lines.length));
        expect(stream.import(earlier).happenings).toEqual([]);
      }
    });
  });
});

describe('a chat of Gemini CLI with ways back', () => {
  it('shows what its agent still has, each result that came late as well', () => {
    withEach(geminiCliAtRandom, (transcript) => {
      const shown = shownBy(whole(transcript));
      const ids = shown.map(({ sourceId }) => String(sourceId).replace(/~.*$/, ''));
      expect(ids.toSorted()).toEqual(transcript.holds!.toSorted());
      for (const { toolCallId, callSeq } of shown)
        if (toolCallId !== undefined) expect(callSeq).not.toBeNull();
    });
  });
});
