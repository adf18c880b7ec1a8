import { Module, type DynamicModule } from '@nestjs/common';
import { KeyAuthenticator } from '#libs/http/auth.guard.js';
import { AccessController } from './access.controller.js';
import { AccessDatabases } from './access-databases.js';
import { AccessKeys } from './access.process.js';
import { AccessTrail } from './access-trail.js';
import { AccessBootstrap } from './bootstrap.js';
import { StoredKeyAuthenticator } from './key-authenticator.js';
import { Owners } from './owner.process.js';

/** Owners and keys. Needs EventStore and EventCodec from a global module; gives KeyAuthenticator to everybody. */
@Module({})
export class AccessModule {
  static forRoot(databases: AccessDatabases): DynamicModule {
    return {
      module: AccessModule,
      global: true,
      controllers: [AccessController],
      providers: [
        { provide: AccessDatabases, useValue: databases },
        AccessTrail,
        StoredKeyAuthenticator,
        { provide: KeyAuthenticator, useExisting: StoredKeyAuthenticator },
        AccessKeys,
        Owners,
        AccessBootstrap,
      ],
      exports: [KeyAuthenticator, AccessBootstrap],
    };
  }
}
