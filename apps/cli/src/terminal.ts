/** The output of a command: streams of a process, or strings of a test. */
export interface Stream {
  write(text: string): void;
  /** A terminal on which lines can be drawn over. */
  readonly isTTY: boolean;
  readonly hasColours: boolean;
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

/** What the environment says of the terminal. */
type Environment = Readonly<Partial<Record<'TERM' | 'NO_COLOR', string>>>;

/** No colours where `NO_COLOR` has a value (https://no-color.org), or the terminal is `dumb`: that one cannot move its cursor either. */
export function streamOf(
  stream: Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'> & { readonly rows?: number },
  { TERM, NO_COLOR = '' }: Environment = process.env,
): Stream {
  const isTTY = stream.isTTY === true && TERM !== 'dumb';
  return {
    write: (text) => {
      stream.write(text);
    },
    isTTY,
    hasColours: isTTY && NO_COLOR === '',
    // A terminal that nobody has given a size has 0 columns.
    columns: () => stream.columns || defaultColumns,
    rows: () => stream.rows || defaultRows,
  };
}

/** Lines of the window. */
export const rowsOf = (stream: Stream): number => stream.rows?.() ?? defaultRows;

/** Characters in a line. A pipe has no width. */
export const widthOf = (stream: Stream): number =>
  stream.isTTY ? stream.columns() : Number.POSITIVE_INFINITY;
