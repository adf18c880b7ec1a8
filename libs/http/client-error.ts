import { randomBytes } from 'node:crypto';
import { STATUS_CODES, type Server } from 'node:http';
import { Problem } from '#libs/kernel/problem.js';
import { problemBody } from './problem-answer.js';

/** What the parser of requests says no with; everything else is a request that cannot be read. */
const PROBLEMS: Readonly<Record<string, Problem>> = {
  HPE_HEADER_OVERFLOW: new Problem(
    'HEADERS_TOO_LARGE',
    'Send at most 16 kB of path, query and headers; put what is longer into a body.',
  ),
  ERR_HTTP_REQUEST_TIMEOUT: new Problem(
    'REQUEST_TIMEOUT',
    'The request did not come to its end: send it again.',
  ),
};
const MALFORMED = new Problem('MALFORMED_REQUEST', 'That is no HTTP request: correct it and send it again.');

function answerTo(problem: Problem, request: Buffer | undefined): string {
  const answer = problemBody(problem, randomBytes(16).toString('hex'), '/');
  const body = JSON.stringify(answer);
  const wanted = request?.subarray(0, 5).toString('latin1') !== 'HEAD ';
  return [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
    '',
    wanted ? body : '',
  ].join('\r\n');
}

/** Answers requests that never reach a route, because they cannot be read, like all other errors. */
export function answerClientErrors(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException & { readonly rawPacket?: Buffer }, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    socket.end(answerTo(PROBLEMS[error.code ?? ''] ?? MALFORMED, error.rawPacket));
  });
}
