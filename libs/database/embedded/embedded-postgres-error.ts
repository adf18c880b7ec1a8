/** The embedded Postgres cannot be had. The message is one line for the user and says what to do. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}
