import type { Database } from '#libs/database/database.js';

/** The connections that access works with. */
export abstract class AccessDatabases {
  /** Sees and writes all owners' keys: a key is looked up before its owner is known. */
  abstract readonly system: Database;
  /** Works under the application role, for what callers read. */
  abstract readonly reader: Database;
}
