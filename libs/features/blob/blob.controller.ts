import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { ApiBytes } from '#libs/http/answer-fields.js';
import { Requires } from '#libs/http/auth.guard.js';
import { notFound, reaches, type Caller } from '#libs/kernel/caller.js';
import { setContentTag } from '#libs/http/etag.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { TextParam } from '#libs/http/validation.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { isUsedIn } from './blob.queries.js';

/** The content's hash, as it stands in the path. */
export const SHA256 = { max: 64, pattern: /^[0-9a-fA-F]{64}$/ } as const;

/** What agents wrote is handed out as a file to be saved, never as a page that a browser would run. */
const HEADERS = {
  'Content-Type': 'application/octet-stream',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; sandbox",
  'Cross-Origin-Resource-Policy': 'same-origin',
  // The content never changes; other users of a shared cache must not get it.
  'Cache-Control': 'private, max-age=31536000, immutable',
  Vary: 'Authorization',
} as const;

@ApiTags('blob')
@Controller('api/v1/blobs')
export class BlobController {
  constructor(
    @Inject(BlobStore) private readonly blobs: BlobStore,
    private readonly reads: ReadModels,
  ) {}

  @Get(':sha256')
  @Requires('history:read')
  @ApiBytes('The content.')
  @ApiOperation({
    summary: 'A long text or list or an attachment, as bytes',
    description:
      'By the SHA-256 of its content, that messages, `truncated` of lists and raw events name. A long text or list is stored as JSON. A tool key fetches what something in its contract refers to.',
  })
  async blob(
    @TextParam('sha256', SHA256) sha256: string,
    @Context() context: RequestContext,
    @Res() response: Response,
  ): Promise<void> {
    const hash = sha256.toLowerCase();
    const { caller } = context;
    const content = (await this.#reaches(caller, hash))
      ? (await this.blobs.get(caller.ownerId, [hash])).get(hash)
      : undefined;
    if (!content) throw notFound('blob', hash);
    response.set({ ...HEADERS, 'Content-Disposition': `attachment; filename="${hash}"` });
    setContentTag(response, hash);
    // Clients that send If-None-Match themselves often say no-cache too: of this content there is nothing newer.
    delete response.req.headers['cache-control'];
    response.send(content);
  }

  /** Blobs are an owner's, not a contract's: a key that is bound to one reaches those that something in it refers to. */
  async #reaches(caller: Caller, hash: string): Promise<boolean> {
    if (reaches(caller, null)) return true;
    const { contractId } = caller;
    if (contractId === undefined) return false;
    await this.reads.catchUpWithLog(['blob', 'task', 'chat']);
    return this.reads.read({ caller }, (db) => isUsedIn(db, contractId, hash));
  }
}
