/** The output of a command: streams of a process, or strings of a test. */
export interface Stream {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Characters in a line. */
  columns(): number;
  /** Lines of the window. Default 24. */
  rows?(): number;
}

export interface Terminal {
  readonly out: Stream;
  readonly err: Stream;
}

const defaultColumns = 100;
const defaultRows = 24;

export function processTerminal(): Terminal {
  return { out: streamOf(process.stdout), err: streamOf(process.stderr) };
}

function streamOf(stream: NodeJS.WriteStream): Stream {
  return {
    write: (text) => {
      stream.write(text);
    },
    isTTY: stream.isTTY === true,
    columns: () => stream.columns ?? defaultColumns,
    rows: () => stream.rows ?? defaultRows,
  };
}

/** Lines of the window. */
export const rowsOf = (stream: Stream): number => stream.rows?.() ?? defaultRows;

/** Characters in a line. A pipe has no width. */
export const widthOf = (stream: Stream): number =>
  stream.isTTY ? stream.columns() : Number.POSITIVE_INFINITY;
