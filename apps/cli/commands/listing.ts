import type { Query } from '#libs/client/http-client.js';
import type { Paged } from '#libs/client/types.js';

export interface ListOptions {
  readonly limit: number;
  readonly all?: boolean;
}

/** Items that one answer holds at most, whatever list it is. */
const PAGE = 500;

/**
 * Reads a list as far as it is wanted, as one page.
 * @param field the answer's field that holds the items.
 * @returns the last page with all items; its cursor is set if there are more.
 */
export async function listed<
  Field extends string,
  Item,
  Page extends Paged & Readonly<Record<Field, readonly Item[]>>,
>({ limit, all }: ListOptions, load: (query: Query) => Promise<Page>, field: Field): Promise<Page> {
  const most = all ? Infinity : limit;
  const items: Item[] = [];
  let page: Page;
  let cursor: string | undefined;
  do {
    page = await load({ limit: Math.min(PAGE, most - items.length), cursor });
    items.push(...page[field]);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && items.length < most);
  return { ...page, [field]: items };
}
