/** Where lines of a file come from. */
export interface BlameOrigin {
  readonly commitSha: string;
  /** Where that commit has the file. */
  readonly path: string;
  /** Null: the lines are older than the first checkpoint. */
  readonly checkpoint: {
    readonly id: string;
    readonly taskId: string;
    readonly checkpointNumber: number;
    readonly message: string;
    readonly createdAt: string;
  } | null;
  /** Numbers of the messages among which it was made (both inclusive). */
  readonly messages: { readonly from: number; readonly to: number } | null;
  /** Null: no tool result of these names the file. */
  readonly madeBy: {
    readonly messageId: string;
    readonly seq: number;
    readonly toolName: string;
    readonly toolCallId: string;
    readonly branch: number;
    readonly isShown: boolean;
  } | null;
}

export interface BlamedFile {
  readonly checkpointId: string;
  readonly path: string;
  readonly lines: readonly {
    readonly line: number;
    readonly text: string;
    /** An index of `origins`. */
    readonly origin: number;
  }[];
  /** Whether lines were left out. */
  readonly isCut: boolean;
  readonly origins: readonly BlameOrigin[];
}
