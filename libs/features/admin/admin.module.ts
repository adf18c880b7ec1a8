import { Module } from '@nestjs/common';
import { Database } from '#libs/database/database.js';
import { Rebuilder } from '#libs/projections/rebuild.js';
import { ProjectionRunner } from '#libs/projections/runner.js';
import { AdminController } from './admin.controller.js';
import { Administration } from './admin.process.js';

@Module({
  controllers: [AdminController],
  providers: [
    Administration,
    {
      provide: Rebuilder,
      useFactory: (database: Database, runner: ProjectionRunner) => new Rebuilder(database, runner),
      inject: [Database, ProjectionRunner],
    },
  ],
})
export class AdminModule {}
