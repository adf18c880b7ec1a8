/** Settings of the HTTP side. */
export abstract class HttpOptions {
  /** At least 32 random bytes that cursors are signed with; the same after a restart and in every process. */
  abstract readonly cursorKey: Buffer;
  /** Bytes of a JSON body at most. */
  abstract readonly maxBodyBytes: number;
  /** Milliseconds between heartbeats of a live stream. */
  abstract readonly heartbeatMs: number;
}
