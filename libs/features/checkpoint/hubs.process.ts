import { join } from 'node:path';
import type { OnModuleDestroy } from '@nestjs/common';
import { Hub } from '#libs/git/hub.js';

/** Whose checkpoints share a hub: those of a contract's tasks, or of an owner's tasks without a contract. */
export interface HubOwner {
  readonly ownerId: string;
  readonly contractId: string | null;
}

/** The server's hubs, below one folder: each opened once, when it is first asked for. */
export class Hubs implements OnModuleDestroy {
  readonly #open = new Map<string, Promise<Hub>>();

  constructor(
    private readonly folder: string,
    private readonly log: (line: string) => void = () => undefined,
  ) {}

  of({ ownerId, contractId }: HubOwner): Promise<Hub> {
    const name = contractId === null ? `owner-${ownerId}` : `contract-${contractId}`;
    let hub = this.#open.get(name);
    if (!hub) {
      const onFailure = (error: unknown): void => this.log(`hub ${name} was not packed: ${String(error)}`);
      hub = Hub.open(join(this.folder, `${name}.git`), { onFailure });
      this.#open.set(name, hub);
      hub.catch(() => this.#open.delete(name));
    }
    return hub;
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map(async (hub) => (await hub).close()));
  }
}
