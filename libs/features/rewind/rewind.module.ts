import { Module } from '@nestjs/common';
import { FolderCheckpoints } from '../checkpoint/folder-checkpoints.process.js';
import { RewindChanges } from './rewind-changes.process.js';
import { RewindController } from './rewind.controller.js';
import { RewindPlans } from './rewind-plan.process.js';
import { RewindReports } from './rewind-reports.process.js';
import { Rewinds } from './rewind.process.js';

@Module({
  controllers: [RewindController],
  providers: [Rewinds, RewindPlans, RewindReports, RewindChanges, FolderCheckpoints],
  exports: [Rewinds],
})
export class RewindModule {}
