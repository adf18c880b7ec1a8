/** An event as the checker sees it, whatever log it stands in. */
export interface Seen {
  readonly id: string;
  readonly position: bigint;
}

/** Writers and a reader of one log; nothing else may write to it meanwhile. */
export interface OrderingSetup {
  readonly writers: number;
  readonly rounds: number;
  /** Appends one to three events and answers the ids that the log acknowledged. */
  readonly append: (writer: number, round: number) => Promise<readonly string[]>;
  /** The events after a position (exclusive) that the log shows now. */
  readonly read: (after: bigint) => Promise<readonly Seen[]>;
  readonly start: bigint;
}

/** What became of the acknowledged events. A log passes when the three lists are empty. */
export interface OrderingReport {
  readonly acknowledged: number;
  readonly lost: readonly string[];
  readonly repeated: readonly string[];
  /** Seen after an event with a higher or equal position. */
  readonly outOfOrder: readonly string[];
}

/**
 * Lets many writers append while a reader follows, as a projection does: it keeps the position of the last event that
 * it saw and asks for what comes after. An event that becomes visible below that position is lost to it for ever.
 */
export async function followAndCompare(setup: OrderingSetup): Promise<OrderingReport> {
  const acknowledged = new Set<string>();
  let running = setup.writers;
  const writing = Promise.all(
    Array.from({ length: setup.writers }, async (_, writer) => {
      try {
        for (let round = 0; round < setup.rounds; round += 1) {
          for (const id of await setup.append(writer, round)) acknowledged.add(id);
        }
      } finally {
        running -= 1;
      }
    }),
  );
  const seen = new Set<string>();
  const repeated: string[] = [];
  const outOfOrder: string[] = [];
  let last = setup.start;
  for (;;) {
    const wereRunning = running > 0;
    const page = await setup.read(last);
    for (const { id, position } of page) {
      if (position <= last) outOfOrder.push(id);
      if (seen.has(id)) repeated.push(id);
      seen.add(id);
      if (position > last) last = position;
    }
    if (page.length === 0 && !wereRunning) break;
    if (page.length === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await writing;
  const lost = [...acknowledged].filter((id) => !seen.has(id));
  return { acknowledged: acknowledged.size, lost, repeated, outOfOrder };
}
