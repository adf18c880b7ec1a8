import { Module } from '@nestjs/common';
import { AuditController } from './audit.controller.js';
import { AuditLog } from './audit.process.js';
import { Verifications } from './verification.process.js';

@Module({ controllers: [AuditController], providers: [AuditLog, Verifications] })
export class AuditModule {}
