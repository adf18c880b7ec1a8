import type { CodeRewind, CodeRewound, RewoundFile, RewoundFiles } from '#libs/client/types-rewind.js';
import { line, span, type Line } from '../terminal/styled.js';
import { tableLines } from '../terminal/table.js';
import { ago, count, counted, done, idShortener, localTime, oneLine, statusSpan, wouldDo } from './format.js';
import { fileParts } from './history.js';

/** What a rewind of code did, or would do, with the files. */
export const rewoundLines = (rewound: CodeRewound, sentence: Line): readonly Line[] => [
  sentence,
  ...changeLines(rewound),
];

/** The sentence that stands above the files, by how far the rewind has come. */
export function rewoundSentence(rewound: CodeRewound, verbs: readonly [would: string, did: string]): Line {
  const outcome = outcomeOf(rewound);
  const what = (verb: string): string => `${verb}${outcome === '' ? '' : `: ${outcome}`}`;
  if (rewound.dryRun) return wouldDo(what(verbs[0]));
  const failure = oneLine(rewound.failure ?? 'no reason was given');
  switch (rewound.phase) {
    case 'aborted':
    case 'failed':
      return line(span('✗ ', 'red'), `${verbs[0]}: not done, and nothing has changed: ${failure}`);
    case 'requested':
      return line(span('… ', 'yellow'), `${verbs[0]}: asked for, and its daemon has not done it yet`);
    case 'committed':
      return line(span('… ', 'yellow'), `${what(verbs[1])}; its daemon is putting the files in place`);
    case 'deferred':
    case 'completed':
      return done(what(verbs[1]));
  }
}

/** `checkpoint 3 (first working version); 2 files +10 −3; 4 messages hidden`. */
export function outcomeOf(rewound: CodeRewound): string {
  const { rewindedTo, hiddenMessages, branch, changes } = rewound;
  return [
    rewindedTo && `code at checkpoint ${rewindedTo.checkpointNumber} (${oneLine(rewindedTo.message, 60)})`,
    changes && filesText(changes),
    hiddenMessages > 0 && `${counted(hiddenMessages, 'message')} hidden`,
    branch !== undefined && `conversation on branch ${branch}`,
  ]
    .filter((part) => typeof part === 'string')
    .join('; ');
}

const filesText = ({ filesChanged, insertions, deletions }: RewoundFiles): string =>
  filesChanged === 0
    ? 'no file differs'
    : `${counted(filesChanged, 'file')} +${count(insertions)} −${count(deletions)}`;

function changeLines({ changes, rewindedTo, dryRun }: CodeRewound): readonly Line[] {
  if (!changes) {
    const unknown = 'which files differ is not known: their code is not in the hub yet';
    return dryRun && rewindedTo ? [line(span(`  ${unknown}`, 'dim'))] : [];
  }
  const { files, filesChanged, isFolder } = changes;
  const more = filesChanged - files.length;
  return [
    ...files.map((file) => line('  ', ...fileParts(fileChange(file)))),
    ...(more > 0 ? [line(span(`  … and ${counted(more, 'more file', 'more files')}`, 'dim'))] : []),
    ...(isFolder || !dryRun
      ? []
      : [
          line(
            span('  compared with the newest checkpoint: the folder itself is on no connected daemon', 'dim'),
          ),
        ]),
  ];
}

const LETTERS: Readonly<Record<string, 'A' | 'M' | 'D'>> = { added: 'A', deleted: 'D' };

const fileChange = ({ path, action, additions, deletions }: RewoundFile) => ({
  path,
  action: LETTERS[action] ?? ('M' as const),
  linesAdded: additions,
  linesRemoved: deletions,
});

/** What to do next: where the former state is, what to wait for, how to take it back. */
export function nextSteps(rewound: CodeRewound, undo: string): readonly string[] {
  const { phase, beforeCheckpointId, preservedAs, rewindId } = rewound;
  if (phase === 'aborted' || phase === 'failed') return [];
  return [
    ...(beforeCheckpointId === undefined
      ? []
      : [`what was there is kept as checkpoint ${beforeCheckpointId}`]),
    ...(preservedAs
      ? [
          preservedAs.type === 'branch'
            ? `and as git branch ${preservedAs.reference} in the task's folder`
            : `and as ${preservedAs.reference} in the task's folder`,
        ]
      : []),
    ...waitingFor(rewound),
    ...(phase === 'requested' ? [] : [`undo with: ${undo} --rewind ${rewindId}`]),
  ];
}

/** What a rewind that is not over waits for, and what can be done about it. */
function waitingFor({ taskId, rewindId, phase }: CodeRewound): readonly string[] {
  switch (phase) {
    case 'requested':
      return [
        'it waits for the daemon that has the folder (makima daemon list shows whether it is connected); until then the task does nothing else',
        `give it up with: makima task rewind-cancel ${taskId} ${rewindId}`,
      ];
    case 'committed':
      return [`it only goes forward from here; see how far it is with: makima task rewinds ${taskId}`];
    case 'deferred':
      return [
        'no daemon has the folder at hand: the one that takes the task next puts the files in place',
        `go on with: makima task resume ${taskId}`,
      ];
    default:
      return [];
  }
}

/** Rewinds of a task's code, one a row. */
export function rewindTable(rewinds: readonly CodeRewind[], width: number, now: Date): readonly Line[] {
  const inPipe = !Number.isFinite(width);
  const idOf = idShortener(
    rewinds.map(({ rewindId }) => rewindId),
    inPipe,
  );
  return tableLines(
    [
      { head: 'rewind' },
      { head: 'state' },
      { head: 'asked for' },
      { head: 'what' },
      { head: 'to', align: 'right' },
      { head: 'kept as', narrow: 'wrap' },
      { head: 'why', narrow: 'wrap' },
    ],
    rewinds.map(({ rewindId, phase, requestedAt, undoes, scope, rewindedTo, preservedAs, ...rest }) => [
      span(idOf(rewindId), 'bold'),
      statusSpan(phase),
      inPipe ? localTime(requestedAt) : ago(requestedAt, now),
      undoes === undefined ? scope : `undo of ${idOf(undoes)}`,
      rewindedTo ? `#${rewindedTo.checkpointNumber}` : '',
      preservedAs?.reference ?? '',
      oneLine(rest.failure ?? rest.reason ?? ''),
    ]),
    width,
  );
}
