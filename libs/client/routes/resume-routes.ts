import type { HttpClient } from '../http-client.js';
import type {
  ContinueRequest,
  GoesOn,
  NewTaskFrom,
  ResumeFromRequest,
  ResumeSupervisorRequest,
} from '../types-resume.js';
import { seg } from './path.js';

/** Tasks and supervisors that go on. */
export class ResumeRoutes {
  constructor(private readonly http: HttpClient) {}

  /** SPEC §3.2. */
  task = (taskId: string, request: ContinueRequest) =>
    this.http.post<GoesOn>(`/api/v1/mesh/tasks/${seg(taskId)}/continue`, request);

  /** SPEC §3.1. */
  supervisor = (contractId: string, request: ResumeSupervisorRequest) =>
    this.http.post<GoesOn>(`/api/v1/contracts/${seg(contractId)}/supervisor/resume`, request);

  /** SPEC §3.3. */
  fromCheckpoint = (taskId: string, checkpointId: string, request: ResumeFromRequest) =>
    this.http.post<NewTaskFrom>(
      `/api/v1/mesh/tasks/${seg(taskId)}/checkpoints/${seg(checkpointId)}/resume`,
      request,
    );
}
