import { setTimeout as delay } from 'node:timers/promises';

/** Waits until something holds. @throws Error that names it, after a minute */
export async function until(holds: () => unknown, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await delay(10)) if (await holds()) return;
  throw new Error(`it never came to this: ${what}`);
}
