/** Plain tables. */

export interface TableColumn {
  readonly heading: string;
  readonly cells: readonly string[];
  /** Numbers are set to the right. Default false. */
  readonly isNumeric?: boolean;
}

export interface FittedTable {
  readonly lines: readonly string[];
  /** Headings of the columns that found no room. */
  readonly left: readonly string[];
}

const gap = '  ';

/** The first column, whole, and of the others as many as fit into `width` characters, in their order. */
export function fittedTable([first, ...others]: readonly TableColumn[], width: number): FittedTable {
  if (first === undefined) return { lines: [], left: [] };
  const shown = [first];
  let used = widthOf(first);
  for (const column of others) {
    used += gap.length + widthOf(column);
    if (used > width) break;
    shown.push(column);
  }
  const rows = [
    shown.map(({ heading }) => heading),
    ...first.cells.map((_, row) => shown.map(({ cells }) => cells[row]!)),
  ];
  return {
    lines: rows.map((row) =>
      row
        .map((cell, i) => padded(cell, shown[i]!))
        .join(gap)
        .trimEnd(),
    ),
    left: others.slice(shown.length - 1).map(({ heading }) => heading),
  };
}

const widthOf = ({ heading, cells }: TableColumn): number =>
  cells.reduce((most, cell) => Math.max(most, cell.length), heading.length);

const padded = (cell: string, column: TableColumn): string =>
  column.isNumeric === true ? cell.padStart(widthOf(column)) : cell.padEnd(widthOf(column));
