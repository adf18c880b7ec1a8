import { Module } from '@nestjs/common';
import { ImportController } from './import.controller.js';
import { Imports } from './import.process.js';

@Module({ controllers: [ImportController], providers: [Imports] })
export class ImportModule {}
