import { Logger } from '@nestjs/common';
import type { Response } from 'express';
import { problemBody } from '#libs/http/problem-answer.js';
import { toProblem } from '#libs/http/problem-filter.js';
import { stateOf } from '#libs/http/request-state.js';
import { ImportStopped } from './import-run.js';
import type { ImportReport } from './import.report.js';
import type { ImportProgress } from './import.process.js';

/** How an import tells its client how far it is, and learns that it has left. */
export interface Waiting {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ImportProgress) => void;
}

const logger = new Logger('import');
const LINES = 'application/x-ndjson';
const MIN_INTERVAL_MS = 100;

/** Carries out an import and answers it: by its report, or by lines of progress and then the report. */
export async function answerImport(
  response: Response,
  carryOut: (waiting: Waiting) => Promise<ImportReport>,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const lines = response.req.headers.accept?.includes(LINES) ? new ProgressLines(response) : null;
  const onProgress = (progress: ImportProgress): void => lines?.progress(progress);
  try {
    const report = await carryOut({ signal: gone.signal, onProgress });
    if (lines) lines.end({ report });
    else response.status(200).json(report);
  } catch (error) {
    if (error instanceof ImportStopped) return;
    // What fails before the first line is answered like any other request.
    if (!lines?.hasBegun) throw error;
    const problem = toProblem(error, response.req);
    const body = problemBody(problem, stateOf(response.req).traceId, response.req.path);
    lines.end({ problem: body });
    if (body.status >= 500) logger.error(error instanceof Error ? error.stack : String(error));
  }
}

class ProgressLines {
  #last = 0;

  constructor(private readonly response: Response) {}

  get hasBegun(): boolean {
    return this.response.headersSent;
  }

  progress(progress: ImportProgress): void {
    const now = Date.now();
    // A client that does not read misses ticks, and nothing else.
    if (now - this.#last < MIN_INTERVAL_MS || this.response.writableNeedDrain) return;
    this.#last = now;
    this.#write({ progress });
  }

  end(last: object): void {
    this.#write(last);
    this.response.end();
  }

  #write(line: object): void {
    if (!this.hasBegun) this.response.status(200).set({ 'Content-Type': `${LINES}; charset=utf-8` });
    this.response.write(`${JSON.stringify(line)}\n`);
  }
}
