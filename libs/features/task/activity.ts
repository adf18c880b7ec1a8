import { invalid, type FieldError } from '#libs/kernel/problem.js';
import type { ActivityDto, ActivityKind } from './activity.dto.js';
import type { Activity } from './activity.decider.js';

/** The fields that each kind needs; the others that it may have are in the DTO's descriptions. */
const REQUIRED: Readonly<Record<ActivityKind, readonly (keyof ActivityDto)[]>> = {
  message: ['role', 'content'],
  tool_call: ['toolCalls'],
  tool_result: ['toolCallId', 'content'],
  output: ['content'],
  status: ['status'],
  pending_tasks: ['taskIds'],
  files: ['files'],
  checkpoint: ['checkpoint'],
  line: ['lineType', 'content'],
};

/** @throws Problem VALIDATION_FAILED naming each field that a kind needs and an item lacks. */
export function activitiesOf(items: readonly ActivityDto[]): readonly Activity[] {
  const errors: FieldError[] = items.flatMap((item, index) =>
    REQUIRED[item.kind]
      .filter((field) => item[field] === undefined)
      .map((field) => ({
        field: `items[${index}].${field}`,
        code: 'REQUIRED',
        detail: `is required for a ${item.kind}`,
      })),
  );
  const seen = new Set<string>();
  items.forEach(({ id }, index) => {
    if (seen.has(id))
      errors.push({ field: `items[${index}].id`, code: 'DUPLICATE', detail: 'stands in this request twice' });
    seen.add(id);
  });
  if (errors.length > 0) throw invalid(...errors);
  return items.map(activityOf);
}

function activityOf(item: ActivityDto): Activity {
  switch (item.kind) {
    case 'message':
    case 'tool_call':
      return { type: 'RecordMessage', content: messageOf(item) };
    case 'tool_result':
      return {
        type: 'RecordToolResult',
        content: {
          toolCallId: item.toolCallId!,
          toolName: item.toolName ?? '',
          result: item.content!,
          isError: item.isError ?? false,
          ...(item.files ? { files: item.files.map((file) => ({ ...file })) } : {}),
        },
      };
    case 'output':
      return { type: 'RecordOutput', data: { channel: item.channel ?? 'agent', text: item.content! } };
    case 'status':
      return { type: 'ChangeStatus', newStatus: item.status!, reason: item.reason ?? null };
    case 'pending_tasks':
      return { type: 'ChangePendingTasks', taskIds: item.taskIds! };
    case 'files':
      return { type: 'RecordFiles', files: item.files!.map((file) => ({ ...file })) };
    case 'line':
      return { type: 'KeepLine', data: { lineType: item.lineType!, raw: item.content! } };
    case 'checkpoint': {
      const { commitSha, branchName, message, filesChanged, linesAdded, linesRemoved } = item.checkpoint!;
      const { headSha, leftOut = [], previousSha, trigger, isAside } = item.checkpoint!;
      const files = filesChanged.map((file) => ({ ...file }));
      return {
        type: 'RecordCheckpoint',
        data: {
          checkpointId: item.id,
          commitSha,
          branchName: branchName ?? null,
          message,
          filesChanged: files,
          linesAdded,
          linesRemoved,
          ...(headSha === undefined ? {} : { headSha }),
          ...(previousSha === undefined ? {} : { previousSha }),
          ...(trigger === undefined ? {} : { trigger }),
          ...(isAside ? { isAside } : {}),
          ...(leftOut.length === 0 ? {} : { leftOut: leftOut.map((one) => ({ ...one })) }),
        },
      };
    }
  }
}

function messageOf(item: ActivityDto) {
  const { thinking, toolCalls, model, usage, costUsd } = item;
  return {
    role: item.role ?? ('assistant' as const),
    content: item.content ?? '',
    ...(thinking === undefined ? {} : { thinking }),
    ...(toolCalls
      ? { toolCalls: toolCalls.map(({ id, name, input }) => ({ id, name, input: input ?? null })) }
      : {}),
    ...(model === undefined ? {} : { model }),
    ...(usage ? { usage: { ...usage } } : {}),
    ...(costUsd === undefined ? {} : { costUsd }),
  };
}
