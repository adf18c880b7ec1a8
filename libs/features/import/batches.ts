import type { PlannedHappening } from './session-plan.js';

const MAX_EVENTS = 490;
/** Below what the log takes at once, with room for what an event costs besides its body. */
const MAX_BYTES = 850_000;
const OVERHEAD_BYTES = 800;

/** Cuts happenings into pieces that can be appended at once. One that is too big stands alone: its texts go to blobs. */
export function* batches(happenings: readonly PlannedHappening[]): Generator<readonly PlannedHappening[]> {
  let batch: PlannedHappening[] = [];
  let bytes = 0;
  for (const happening of happenings) {
    const size = Buffer.byteLength(JSON.stringify(happening.activity)) + OVERHEAD_BYTES;
    if (batch.length > 0 && (batch.length >= MAX_EVENTS || bytes + size > MAX_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(happening);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
