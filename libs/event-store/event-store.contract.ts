import { appendCases } from './contract/append.contract.js';
import { bodyCases } from './contract/bodies.contract.js';
import { chainCases } from './contract/chain.contract.js';
import { closeCases } from './contract/close.contract.js';
import { concurrencyCases } from './contract/concurrency.contract.js';
import type { LogFactory, OpenLog } from './contract/fixtures.contract.js';
import { readingCases, timeCases } from './contract/reading.contract.js';
import { repetitionCases } from './contract/repetition.contract.js';
import { subscriptionCases } from './contract/subscription.contract.js';

export type { LogFactory, OpenLog } from './contract/fixtures.contract.js';

const OPENING_MS = 120_000;

/** What every adapter of the event store promises. One log serves all cases but those that close it. */
export function eventStoreContract(name: string, factory: LogFactory): void {
  describe(`event store contract: ${name}`, () => {
    let opened: OpenLog | undefined;
    const log = (): OpenLog => {
      if (!opened) throw new Error('the log did not open');
      return opened;
    };

    beforeAll(async () => {
      opened = await factory.open();
    }, OPENING_MS);
    afterAll(async () => opened?.close(), OPENING_MS);

    appendCases(log);
    repetitionCases(log);
    bodyCases(log);
    readingCases(log, factory);
    timeCases(log);
    subscriptionCases(log);
    concurrencyCases(log, factory);
    chainCases(log);
    closeCases(factory);
  });
}
