import { Module } from '@nestjs/common';
import { TimelineController } from './timeline.controller.js';
import { LiveTimeline } from './timeline.live.js';
import { Timelines } from './timeline.process.js';

@Module({ controllers: [TimelineController], providers: [Timelines, LiveTimeline] })
export class TimelineModule {}
