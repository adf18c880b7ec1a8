import { escapeJson } from '#libs/database/text-escape.js';
import type { Recorded } from '#libs/kernel/event.js';
import { columnJson, columnText } from '#libs/projections/column-text.js';
import { projection } from '#libs/projections/projection.js';
import { insert, update, type RowOperation } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
import type { RewindEvent } from './rewind.events.js';

/** Rewinds of code, one row each, as far as they have come. */
const rewinds: Table = {
  name: 'rewinds',
  columns: {
    id: 'uuid',
    owner_id: 'uuid',
    task_id: 'uuid',
    position: 'int8',
    phase: 'text',
    scope: 'text',
    target: 'text?',
    revert: 'text?',
    before: 'text?',
    preserve_mode: 'text',
    preserved_as: 'text?',
    branch: 'int4?',
    undoes: 'uuid?',
    reason: 'text?',
    failure: 'text?',
    tree: 'text?',
    actor: 'text',
    requested_at: 'timestamptz',
    ended_at: 'timestamptz?',
  },
  key: ['id'],
  indexes: ['(task_id, position)'],
};

export const rewindProjection = projection({
  name: 'rewind',
  version: 1,
  tables: [rewinds],
  views: { rewinds: 'SELECT * FROM {schema}.rewinds' },
  handles: [
    'RewindRequested',
    'RewindPrepared',
    'RewindCommitted',
    'RewindDeferred',
    'RewindCompleted',
    'RewindAborted',
    'RewindFailed',
  ],
  project: (batch) => (batch as readonly Recorded<RewindEvent>[]).map(operationOf),
});

function operationOf({ event, stream, metadata, position }: Recorded<RewindEvent>): RowOperation {
  const key = { id: event.data.rewindId };
  const ended_at = metadata.occurredAt;
  switch (event.type) {
    case 'RewindRequested': {
      const { rewindId, scope, target, revert, preserve, undoes, reason } = event.data;
      return insert(rewinds, {
        id: rewindId,
        owner_id: metadata.ownerId,
        task_id: stream.slice('task-'.length),
        position,
        phase: 'requested',
        scope,
        target: target && columnJson(target),
        revert: revert && columnJson(revert),
        before: null,
        preserve_mode: preserve.mode,
        preserved_as: null,
        branch: null,
        undoes,
        reason: reason === null ? null : columnText(reason),
        failure: null,
        tree: null,
        actor: escapeJson(metadata.actor),
        requested_at: metadata.occurredAt,
        ended_at: null,
      });
    }
    case 'RewindPrepared':
      return update(rewinds, key, { before: event.data.before && columnJson(event.data.before) });
    case 'RewindCommitted': {
      const { target, preservedAs, branch, isDeferred } = event.data;
      const isOver = target === null;
      return update(rewinds, key, {
        phase: isDeferred ? 'deferred' : isOver ? 'completed' : 'committed',
        target: target && columnJson(target),
        preserved_as: preservedAs && columnJson(preservedAs),
        branch,
        ...(isOver ? { ended_at } : {}),
      });
    }
    case 'RewindDeferred':
      return update(rewinds, key, { phase: 'deferred' });
    case 'RewindCompleted':
      return update(rewinds, key, { phase: 'completed', tree: event.data.tree, ended_at });
    case 'RewindAborted':
      return update(rewinds, key, { phase: 'aborted', failure: columnText(event.data.reason), ended_at });
    case 'RewindFailed':
      return update(rewinds, key, { phase: 'failed', failure: columnText(event.data.reason), ended_at });
  }
}
