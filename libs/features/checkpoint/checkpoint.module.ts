import { Module } from '@nestjs/common';
import { CheckpointController } from './checkpoint.controller.js';

@Module({ controllers: [CheckpointController] })
export class CheckpointModule {}
