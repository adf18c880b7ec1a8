import { Module } from '@nestjs/common';
import { CheckpointModule } from '../checkpoint/checkpoint.module.js';
import { CompareController } from './compare.controller.js';
import { Comparisons } from './compare.process.js';

@Module({
  imports: [CheckpointModule],
  controllers: [CompareController],
  providers: [Comparisons],
})
export class CompareModule {}
