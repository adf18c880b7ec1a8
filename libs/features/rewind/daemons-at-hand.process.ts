/** Knows which daemons are connected. The daemon feature provides it. */
export abstract class DaemonsAtHand {
  abstract isConnected(daemonId: string): Promise<boolean>;
}
