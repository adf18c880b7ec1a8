import shared from '@eventstore/db-client/generated/shared_pb.js';
import statusMessages from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { status, type ServerDuplexStream } from '@grpc/grpc-js';
import anyMessages from 'google-protobuf/google/protobuf/any_pb.js';
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js';
import { proposedOf, streamIdentifier, streamName, uuidText } from './messages.js';
import type { AppendOutcome, Expected, Proposed, RecordedLog } from './recorded-log.js';

interface Batch {
  readonly options: BatchAppendReq.Options | undefined;
  readonly proposed: Proposed[];
}

/** Many appends over one call: a batch is what has one correlation id, up to its final message. */
export const batchAppend =
  (log: RecordedLog) =>
  (call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>): void => {
    const batches = new Map<string, Batch>();
    call.on('error', () => undefined);
    call.on('end', () => call.end());
    call.on('data', (request: BatchAppendReq) => {
      const id = uuidText(request.getCorrelationId());
      const batch = batches.get(id) ?? { options: request.getOptions(), proposed: [] };
      batches.set(id, batch);
      batch.proposed.push(...request.getProposedMessagesList().map(proposedOf));
      if (!request.getIsFinal()) return;
      batches.delete(id);
      const name = streamName(batch.options?.getStreamIdentifier());
      const expected = expectedOf(batch.options);
      const response = responseTo(name, expected, log.append(name, expected, batch.proposed));
      response.setCorrelationId(request.getCorrelationId());
      call.write(response);
    });
  };

function expectedOf(options: BatchAppendReq.Options | undefined): Expected {
  if (options?.hasStreamPosition()) return Number(options.getStreamPosition());
  if (options?.hasNoStream()) return 'no-stream';
  return options?.hasStreamExists() ? 'stream-exists' : 'any';
}

function responseTo(name: string, expected: Expected, outcome: AppendOutcome): BatchAppendResp {
  const response = new streams.BatchAppendResp();
  response.setStreamIdentifier(streamIdentifier(name));
  switch (outcome.kind) {
    case 'written':
      response.setSuccess(success(outcome.revision, outcome.position));
      break;
    case 'wrong-version':
      response.setError(
        error(status.FAILED_PRECONDITION, 'WrongExpectedVersion', wrongVersion(expected, outcome.current)),
      );
      break;
    case 'deleted': {
      const details = new shared.StreamDeleted();
      details.setStreamIdentifier(streamIdentifier(name));
      response.setError(error(status.FAILED_PRECONDITION, 'StreamDeleted', details));
      break;
    }
    case 'too-large': {
      const details = new shared.MaximumAppendSizeExceeded();
      details.setMaxappendsize(1024 * 1024);
      response.setError(error(status.INVALID_ARGUMENT, 'MaximumAppendSizeExceeded', details));
      break;
    }
  }
  return response;
}

function success(revision: number, position: bigint): InstanceType<typeof streams.BatchAppendResp.Success> {
  const at = new shared.AllStreamPosition();
  at.setCommitPosition(String(position));
  at.setPreparePosition(String(position));
  const message = new streams.BatchAppendResp.Success();
  message.setCurrentRevision(String(revision));
  message.setPosition(at);
  return message;
}

function wrongVersion(expected: Expected, current: number): InstanceType<typeof shared.WrongExpectedVersion> {
  const message = new shared.WrongExpectedVersion();
  const none = new emptyMessages.Empty();
  if (current < 0) message.setCurrentNoStream(none);
  else message.setCurrentStreamRevision(String(current));
  if (typeof expected === 'number') message.setExpectedStreamPosition(String(expected));
  else if (expected === 'no-stream') message.setExpectedNoStream(none);
  else if (expected === 'stream-exists') message.setExpectedStreamExists(none);
  else message.setExpectedAny(none);
  return message;
}

/** An error's details travel in an `Any` that names their type. */
function error(
  code: status,
  type: string,
  details: { serializeBinary(): Uint8Array },
): InstanceType<typeof statusMessages.Status> {
  const any = new anyMessages.Any();
  any.pack(details.serializeBinary(), `event_store.client.${type}`);
  const message = new statusMessages.Status();
  message.setCode(Number(code));
  message.setMessage(type);
  message.setDetails(any);
  return message;
}
