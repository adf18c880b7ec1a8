import { mapReferences, type Whole } from '#libs/event-store/long-values.js';
import { GivesHash, GivesList, GivesText, GivesWhole } from './answer-fields.js';

/** A field of which a list shows the beginning only, and where it is whole. */
export class TruncatedField {
  @GivesText('Which field of the object that says so.', { example: 'eventData.text' })
  readonly field!: string;

  @GivesHash('SHA-256 of the blob that holds the whole field, as JSON.')
  readonly sha256!: string;

  @GivesWhole('Length of the whole field: of a text in UTF-8, of anything else as JSON.')
  readonly bytes!: number;

  @GivesWhole('For a list: how many items it has.', { optional: true })
  readonly items?: number;

  @GivesText('Where the blob can be read.', { example: '/api/v1/blobs/0b…' })
  readonly url!: string;
}

/** The field `truncated` of an answer in a list. */
export const GivesTruncated = (): PropertyDecorator =>
  GivesList(
    () => TruncatedField,
    'Fields that stand here with their beginning only, because they are too long for a list (over 256 KiB as a rule); absent where all are whole.',
    { optional: true },
  );

/** A value in which a long text or list is its beginning, and `truncated` says so. */
export type Shortened<T> = Whole<T> & { readonly truncated?: readonly TruncatedField[] };

/** What a list shows of something: of its long values the beginning, and where each is whole. */
export function shortened<T extends object>(value: T): Shortened<T> {
  const truncated: TruncatedField[] = [];
  const short = mapReferences(value, ({ sha256, bytes, items, preview }, field) => {
    const url = `/api/v1/blobs/${sha256}`;
    truncated.push({ field, sha256, bytes, ...(items === undefined ? {} : { items }), url });
    return preview;
  }) as Shortened<T>;
  return truncated.length > 0 ? { ...short, truncated } : short;
}
