import { join } from 'node:path';
import { Hub } from '#libs/git/hub.js';

/** Whose checkpoints share a hub: those of a contract's tasks, or of an owner's tasks without a contract. */
export interface HubOwner {
  readonly ownerId: string;
  readonly contractId: string | null;
}

/** The server's hubs, below one folder: each opened once, when it is first asked for. */
export class Hubs {
  readonly #open = new Map<string, Promise<Hub>>();

  constructor(private readonly folder: string) {}

  of({ ownerId, contractId }: HubOwner): Promise<Hub> {
    const name = contractId === null ? `owner-${ownerId}` : `contract-${contractId}`;
    let hub = this.#open.get(name);
    if (!hub) {
      hub = Hub.open(join(this.folder, `${name}.git`));
      this.#open.set(name, hub);
      hub.catch(() => this.#open.delete(name));
    }
    return hub;
  }
}
