import type { FileChange, TruncatedField } from '#libs/client/types.js';
import { line, span, type Line } from '../terminal/styled.js';
import { bytes } from './format.js';

interface Shortened {
  readonly filesChanged?: readonly FileChange[];
  readonly truncated?: readonly TruncatedField[];
}

/** How many files changed, whether they are all shown or not. */
export const filesIn = ({ filesChanged = [], truncated = [] }: Shortened): number =>
  truncated.find(({ field }) => field === 'filesChanged')?.items ?? filesChanged.length;

/** Says of what there is more than is shown, and where it is. */
export const truncatedLines = ({ truncated = [] }: Shortened): readonly Line[] =>
  truncated.map((field) => line(span(`… ${bytes(field.bytes)} in all: GET ${field.url}`, 'dim')));
