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

/** A text as it stands: for statements of our own that are kept as texts, never for anything from outside. */
export const raw = (text: string): Sql => new Sql([text], []);

/** A name, quoted; of several, each within the one before: a schema and its table. */
export const identifier = (...names: readonly string[]): Sql =>
  raw(names.map((name) => `"${name.replaceAll('"', '""')}"`).join('.'));

/** Nothing: for a filter that is absent. */
export const nothing = raw('');
