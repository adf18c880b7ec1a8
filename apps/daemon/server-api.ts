import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { HttpClient, type HttpClientOptions } from '#libs/client/http-client.js';
import type { ActivityItem, CodePoint, Lease, RewindProgress, RunEnd, Work } from './protocol.js';

const PACK = 'application/x-git-packed-objects';

/** What a daemon asks of its server over HTTP. Every method throws a ClientError, and may be called again. */
export class ServerApi {
  readonly #http: HttpClient;

  constructor(
    options: HttpClientOptions,
    private readonly daemonId: string,
  ) {
    this.#http = new HttpClient(options);
  }

  get url(): string {
    return this.#http.url;
  }

  work = (): Promise<Work> => this.#http.get<Work>(`/api/v1/daemons/${this.daemonId}/work`);

  lease = (taskId: string): Promise<Lease> =>
    this.#http.post<Lease>(task(taskId, '/lease'), { daemonId: this.daemonId });

  /** @param epoch of the lease that it happened under; 0: under none. */
  record = (taskId: string, epoch: number, items: readonly ActivityItem[]): Promise<unknown> =>
    this.#http.json('POST', task(taskId, '/activity'), {
      body: { items },
      ...(epoch === 0 ? {} : { headers: this.#under(epoch) }),
    });

  release = (taskId: string, epoch: number, { status, reason }: RunEnd): Promise<unknown> =>
    this.#http.json('POST', task(taskId, '/lease/release'), {
      body: { daemonId: this.daemonId, epoch, status, ...(reason === undefined ? {} : { reason }) },
    });

  answer = (taskId: string, requestId: string, checkpointId: string): Promise<unknown> =>
    this.#http.post(task(taskId, `/checkpoint-requests/${requestId}/answer`), {
      daemonId: this.daemonId,
      checkpointId,
    });

  /**
   * The commit point of a rewind.
   * @param before id of the checkpoint of what is there now.
   * @param result of a revert: id of the checkpoint that shows it.
   */
  prepared = (
    taskId: string,
    rewindId: string,
    before: string,
    result: string | null,
  ): Promise<RewindProgress> =>
    this.#http.post<RewindProgress>(task(taskId, `/rewinds/${rewindId}/prepared`), {
      daemonId: this.daemonId,
      before,
      ...(result === null ? {} : { result }),
    });

  completed = (taskId: string, rewindId: string, tree: string): Promise<unknown> =>
    this.#http.post(task(taskId, `/rewinds/${rewindId}/completed`), { daemonId: this.daemonId, tree });

  failed = (taskId: string, rewindId: string, reason: string): Promise<unknown> =>
    this.#http.post(task(taskId, `/rewinds/${rewindId}/failed`), {
      daemonId: this.daemonId,
      reason: reason.slice(0, 10_000),
    });

  /** Sends the code of a checkpoint to the hub. */
  async sendPack(
    taskId: string,
    checkpointId: string,
    bytes: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<void> {
    const response = await this.#http.send('PUT', task(taskId, `/checkpoints/${checkpointId}/pack`), {
      upload: { mediaType: PACK, bytes },
      signal,
    });
    await response.body?.cancel();
  }

  /** A pack of all that a checkpoint's commit leads to, and the commits that are here already do not. */
  async pack(
    { taskId, checkpointId }: Pick<CodePoint, 'taskId' | 'checkpointId'>,
    have: readonly string[],
  ): Promise<Readable> {
    const response = await this.#http.send('GET', task(taskId, `/checkpoints/${checkpointId}/pack`), {
      query: { have: have.length === 0 ? undefined : have.join(',') },
      headers: { Accept: PACK },
    });
    return bodyOf(response);
  }

  #under = (epoch: number): Record<string, string> => ({
    'X-Makima-Lease': String(epoch),
    'X-Makima-Daemon': this.daemonId,
  });

  async blob(sha256: string): Promise<Buffer> {
    const response = await this.#http.send('GET', `/api/v1/blobs/${encodeURIComponent(sha256)}`, {
      headers: { Accept: '*/*' },
    });
    return Buffer.from(await response.arrayBuffer());
  }
}

const task = (taskId: string, rest: string): string => `/api/v1/mesh/tasks/${taskId}${rest}`;

const bodyOf = ({ body }: Response): Readable =>
  body ? Readable.fromWeb(body as ReadableStream<Uint8Array>) : Readable.from([]);
