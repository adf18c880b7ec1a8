import streams from '@eventstore/db-client/generated/streams_pb.js';
import type {
  AppendReq,
  AppendResp,
  DeleteReq,
  DeleteResp,
  TombstoneReq,
  TombstoneResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import { status, type ServerReadableStream, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { empty, expectedOf, failure, proposedOf, streamDeleted, streamName } from './messages.js';
import type { AppendOutcome, Expected, Proposed, RecordedLog } from './recorded-log.js';

/** A failure that a test asks for: the connection is lost before the server writes, or before it answers. */
export type AppendFault = 'before-write' | 'before-answer';

/** The calls that write, but for batch append. */
export class WriteCalls {
  readonly #faults: AppendFault[] = [];

  constructor(private readonly log: RecordedLog) {}

  /** The next appends fail in these ways, one each. */
  failNext(...faults: readonly AppendFault[]): void {
    this.#faults.push(...faults);
  }

  readonly append = (
    call: ServerReadableStream<AppendReq, AppendResp>,
    answer: sendUnaryData<AppendResp>,
  ): void => {
    let options: AppendReq.Options | undefined;
    const proposed: Proposed[] = [];
    call.on('error', () => undefined);
    call.on('data', (request: AppendReq) => {
      options = request.getOptions() ?? options;
      const message = request.getProposedMessage();
      if (message) proposed.push(proposedOf(message));
    });
    call.on('end', () => {
      if (call.cancelled) return;
      const fault = this.#faults.shift();
      if (fault === 'before-write') return answer(failure(status.UNAVAILABLE, 'connection lost'));
      const name = streamName(options?.getStreamIdentifier());
      const expected = expectedOf(options);
      const outcome = this.log.append(name, expected, proposed);
      if (fault === 'before-answer') return answer(failure(status.UNAVAILABLE, 'connection lost'));
      answerAppend(name, expected, outcome, answer);
    });
  };

  readonly delete = (
    call: ServerUnaryCall<DeleteReq, DeleteResp>,
    answer: sendUnaryData<DeleteResp>,
  ): void => {
    const options = call.request.getOptions();
    const name = streamName(options?.getStreamIdentifier());
    const outcome = this.log.delete(name, expectedOf(options));
    if (outcome.kind !== 'written') return answer(refusal(name, expectedOf(options), outcome));
    const position = new streams.DeleteResp.Position();
    position.setCommitPosition(String(outcome.position));
    position.setPreparePosition(String(outcome.position));
    const response = new streams.DeleteResp();
    response.setPosition(position);
    answer(null, response);
  };

  readonly tombstone = (
    call: ServerUnaryCall<TombstoneReq, TombstoneResp>,
    answer: sendUnaryData<TombstoneResp>,
  ): void => {
    const options = call.request.getOptions();
    const name = streamName(options?.getStreamIdentifier());
    const outcome = this.log.tombstone(name, expectedOf(options));
    if (outcome.kind !== 'written') return answer(refusal(name, expectedOf(options), outcome));
    const position = new streams.TombstoneResp.Position();
    position.setCommitPosition(String(outcome.position));
    position.setPreparePosition(String(outcome.position));
    const response = new streams.TombstoneResp();
    response.setPosition(position);
    answer(null, response);
  };
}

/** A wrong version is an answer of append, not an error; everything else that is refused is an error. */
function answerAppend(
  name: string,
  expected: Expected,
  outcome: AppendOutcome,
  answer: sendUnaryData<AppendResp>,
): void {
  const response = new streams.AppendResp();
  if (outcome.kind === 'written') {
    const position = new streams.AppendResp.Position();
    position.setCommitPosition(String(outcome.position));
    position.setPreparePosition(String(outcome.position));
    const success = new streams.AppendResp.Success();
    success.setCurrentRevision(String(outcome.revision));
    success.setPosition(position);
    response.setSuccess(success);
    return answer(null, response);
  }
  if (outcome.kind !== 'wrong-version') return answer(refusal(name, expected, outcome));
  const wrong = new streams.AppendResp.WrongExpectedVersion();
  if (outcome.current < 0) wrong.setCurrentNoStream(empty());
  else wrong.setCurrentRevision(String(outcome.current));
  if (typeof expected === 'number') wrong.setExpectedRevision(String(expected));
  else if (expected === 'no-stream') wrong.setExpectedNoStream(empty());
  else if (expected === 'stream-exists') wrong.setExpectedStreamExists(empty());
  else wrong.setExpectedAny(empty());
  response.setWrongExpectedVersion(wrong);
  answer(null, response);
}

/** The numbers by which the trailers of an error name the special states. */
const STATE_NUMBERS = { any: -2, 'no-stream': -1, 'stream-exists': -4 } as const;

function refusal(name: string, expected: Expected, outcome: AppendOutcome): ReturnType<typeof failure> {
  switch (outcome.kind) {
    case 'deleted':
      return streamDeleted(name);
    case 'wrong-version':
      return failure(
        status.FAILED_PRECONDITION,
        `Append failed due to WrongExpectedVersion. Stream: ${name}`,
        {
          exception: 'wrong-expected-version',
          'stream-name': name,
          'expected-version': typeof expected === 'number' ? expected : STATE_NUMBERS[expected],
          'actual-version': outcome.current,
        },
      );
    case 'too-large':
      return failure(status.INVALID_ARGUMENT, 'Maximum Append Size Exceeded.', {
        exception: 'maximum-append-size-exceeded',
        'maximum-append-size': 1024 * 1024,
      });
    case 'written':
      return failure(status.INTERNAL, 'no refusal');
  }
}
