import { Module } from '@nestjs/common';
import { DaemonHandler } from './daemon.commands.js';
import { DaemonController } from './daemon.controller.js';
import { DaemonGateway } from './daemon.gateway.js';
import { Daemons } from './daemon.process.js';
import { LostLeases } from './lost-leases.process.js';
import { Presence } from './presence.js';
import { WakeUps } from './wake-ups.js';
import { DaemonWork } from './work.process.js';

@Module({
  controllers: [DaemonController],
  providers: [DaemonHandler, Daemons, DaemonWork, Presence, DaemonGateway, LostLeases, WakeUps],
  exports: [Daemons, LostLeases],
})
export class DaemonModule {}
