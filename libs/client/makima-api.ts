import { HttpClient, type HttpClientOptions } from './http-client.js';
import { AccessRoutes, AdminRoutes, AuditRoutes } from './routes/admin-routes.js';
import { CheckpointRoutes } from './routes/checkpoint-routes.js';
import { ContractRoutes } from './routes/contract-routes.js';
import { DaemonRoutes, RunRoutes } from './routes/daemon-routes.js';
import { ChatRoutes, ImportRoutes, TimelineRoutes } from './routes/history-routes.js';
import { ResumeRoutes } from './routes/resume-routes.js';
import { RewindRoutes } from './routes/rewind-routes.js';
import { TaskRoutes } from './routes/task-routes.js';

/** A makima server's API, one object per noun. Every call throws a ClientError if it was not answered as wished. */
export class MakimaApi {
  readonly http: HttpClient;
  readonly contracts: ContractRoutes;
  readonly tasks: TaskRoutes;
  readonly resumes: ResumeRoutes;
  readonly rewinds: RewindRoutes;
  readonly runs: RunRoutes;
  readonly daemons: DaemonRoutes;
  readonly checkpoints: CheckpointRoutes;
  readonly timeline: TimelineRoutes;
  readonly chats: ChatRoutes;
  readonly imports: ImportRoutes;
  readonly access: AccessRoutes;
  readonly admin: AdminRoutes;
  readonly audit: AuditRoutes;

  constructor(options: HttpClientOptions) {
    this.http = new HttpClient(options);
    this.contracts = new ContractRoutes(this.http);
    this.tasks = new TaskRoutes(this.http);
    this.resumes = new ResumeRoutes(this.http);
    this.rewinds = new RewindRoutes(this.http);
    this.runs = new RunRoutes(this.http);
    this.daemons = new DaemonRoutes(this.http);
    this.checkpoints = new CheckpointRoutes(this.http);
    this.timeline = new TimelineRoutes(this.http);
    this.chats = new ChatRoutes(this.http);
    this.imports = new ImportRoutes(this.http);
    this.access = new AccessRoutes(this.http);
    this.admin = new AdminRoutes(this.http);
    this.audit = new AuditRoutes(this.http);
  }
}
