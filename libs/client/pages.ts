import type { Paged } from './types.js';

/** Reads a list page by page, following its cursor. */
export async function* pagesOf<Page extends Paged>(
  load: (cursor: string | undefined) => Promise<Page>,
): AsyncGenerator<Page, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await load(cursor);
    yield page;
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
}
