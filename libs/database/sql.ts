/** A statement with its parameters. Values never become part of the text. */
export class Sql {
  constructor(
    readonly strings: readonly string[],
    readonly values: readonly unknown[],
  ) {}

  get text(): string {
    return this.strings.reduce((text, part, index) => `${text}$${index}${part}`);
  }
}

/**
 * Tags a template as SQL: sql`SELECT … WHERE id = ${id}`. A value that is itself Sql is spliced in as a fragment, with
 * its own parameters.
 */
export function sql(strings: TemplateStringsArray, ...values: readonly unknown[]): Sql {
  const texts = [strings[0]!];
  const parameters: unknown[] = [];
  values.forEach((value, index) => {
    const after = strings[index + 1]!;
    if (value instanceof Sql) {
      texts[texts.length - 1] += value.strings[0]!;
      texts.push(...value.strings.slice(1));
      parameters.push(...value.values);
      texts[texts.length - 1] += after;
    } else {
      parameters.push(value);
      texts.push(after);
    }
  });
  return new Sql(texts, parameters);
}

/** Nothing: for a filter that is absent. */
export const nothing = new Sql([''], []);
