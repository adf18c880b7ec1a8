import { Controller, HttpCode, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { ApiJsonOrLines } from '#libs/http/answer-fields.js';
import { Requires } from '#libs/http/auth.guard.js';
import { mediaTypeOf } from '#libs/http/body.js';
import { StreamedBody } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import {
  ImportProblemLine,
  ImportProgressLine,
  ImportReport,
  ImportReportLine,
} from './import.answers.dto.js';
import { answerImport } from './import.answer.js';
import { ImportQuery } from './import.dto.js';
import { Imports } from './import.process.js';
import { Upload } from './upload.js';
import { oneFile, severalFiles } from './upload-files.js';

const ONE_FILE = 'application/octet-stream';
const SEVERAL_FILES = 'application/vnd.makima.files';
const MAX_BODY_BYTES = 2_000_000_000;

const DESCRIPTION = `Reads transcripts of Claude Code, Codex (also \`.zst\`) and Gemini CLI, and records what is new in them: each
session becomes a task, its sub-agents become subtasks. Importing again adds only what is new, and goes on with an import
that was interrupted.

The body is one file (\`${ONE_FILE}\`, its name in \`name\`) or several (\`${SEVERAL_FILES}\`): for each file a line of
JSON \`{"name":"<path with />","bytes":<number>}\`, ended by a line feed, then exactly so many bytes. Names are paths
relative to what is imported, so that \`<session>/subagents/…\` is found. At most 2 GB, also compressed by gzip.

With \`Accept: application/x-ndjson\` the answer is lines: \`{"progress":{"done","total","file"}}\` in bytes, then one
\`{"report":…}\` or \`{"problem":…}\`.`;

@ApiTags('import')
@Controller('api/v1/import')
export class ImportController {
  constructor(private readonly imports: Imports) {}

  @Post()
  @HttpCode(200)
  @Requires('import:write')
  @StreamedBody(ONE_FILE, SEVERAL_FILES)
  @ApiOperation({ summary: 'Import transcripts of agents', description: DESCRIPTION })
  @ApiConsumes(ONE_FILE, SEVERAL_FILES)
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @ApiJsonOrLines(
    'What was imported; or progress and then what was imported.',
    ImportReport,
    ImportProgressLine,
    ImportReportLine,
    ImportProblemLine,
  )
  async import(
    @Query() query: ImportQuery,
    @Context() context: RequestContext,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const upload = new Upload();
    try {
      await upload.receive(request, MAX_BODY_BYTES);
      const files = mediaTypeOf(request) === ONE_FILE ? oneFile(upload, query.name) : severalFiles(upload);
      const wanted = { contractId: query.contract_id, dryRun: query.dry_run };
      await answerImport(response, (waiting) =>
        this.imports.import({ files, descriptor: upload.descriptor }, { ...wanted, ...waiting }, context),
      );
    } finally {
      upload.close();
    }
  }
}
