import { Module } from '@nestjs/common';
import { DaemonModule } from '../daemon/daemon.module.js';
import { FolderCheckpoints } from '../checkpoint/folder-checkpoints.process.js';
import { RewindChanges } from './rewind-changes.process.js';
import { RewindController } from './rewind.controller.js';
import { RewindPlans } from './rewind-plan.process.js';
import { RewindReports } from './rewind-reports.process.js';
import { Rewinds } from './rewind.process.js';
import { WaitingRewinds } from './waiting-rewinds.process.js';

@Module({
  imports: [DaemonModule],
  controllers: [RewindController],
  providers: [Rewinds, RewindPlans, RewindReports, RewindChanges, FolderCheckpoints, WaitingRewinds],
  exports: [Rewinds],
})
export class RewindModule {}
