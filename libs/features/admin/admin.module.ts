import { Module } from '@nestjs/common';
import { AdminController } from './admin.controller.js';
import { Administration } from './admin.process.js';

@Module({ controllers: [AdminController], providers: [Administration] })
export class AdminModule {}
