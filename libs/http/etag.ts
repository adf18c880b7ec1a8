import type { IncomingMessage } from 'node:http';
import type { Response } from 'express';
import { Problem } from '#libs/kernel/problem.js';

const ENTITY_TAG = /^(W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;
const CONTROL_VERSION = /^"cv-(\d{1,15})"$/;

/** The ETag of a resource at a control version, such as `"cv-12"`. */
const controlVersionTag = (version: number): string => `"cv-${version}"`;

/**
 * Names the control version that an answer shows, for a later If-Match. Such an answer is never 304: it holds more than
 * what moves the control version.
 */
export function setControlVersion(response: Response, version: number): void {
  delete response.req.headers['if-none-match'];
  response.setHeader('ETag', controlVersionTag(version));
}

/** Marks an answer as wholly determined by `tag`; Express then answers If-None-Match with 304. */
export function setContentTag(response: Response, tag: string): void {
  response.setHeader('ETag', `"${tag}"`);
}

/**
 * Reads If-Match: the control version that the caller has seen; undefined without the header and for `*` (the resource
 * must exist, whatever its version).
 * @throws Problem MALFORMED_ETAG for what is no entity tag, PRECONDITION_FAILED for one that this API never gave out.
 */
export function parseIfMatch(request: IncomingMessage): number | undefined {
  const header = request.headers['if-match']?.trim();
  if (header === undefined || header === '*') return undefined;
  if (!ENTITY_TAG.test(header)) {
    throw new Problem(
      'MALFORMED_ETAG',
      'Send one entity tag in If-Match, as an answer gave it in ETag: "cv-12", or *.',
    );
  }
  const version = CONTROL_VERSION.exec(header)?.[1];
  if (version === undefined) {
    throw new Problem(
      'PRECONDITION_FAILED',
      'Read the resource again and send the ETag of that answer in If-Match.',
    );
  }
  return Number(version);
}
