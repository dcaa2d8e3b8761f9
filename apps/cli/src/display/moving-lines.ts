/** Lines at the end of a terminal's output that are drawn over again and again; other lines go above them. */
import type { Stream } from '../terminal.ts';

export interface MovingLines {
  /** Puts these in place of the lines that were drawn before. They must fit into the terminal's width. */
  draw(lines: readonly string[]): void;
  /** Writes lines that stay, and the moving ones below them. */
  above(text: string): void;
  erase(): void;
}

const clearLine = '\r\x1b[2K';
const clearLineAbove = '\x1b[1A\x1b[2K';

export function createMovingLines(out: Stream): MovingLines {
  let drawn: readonly string[] = [];
  /** A terminal that has become narrower since has broken lines. */
  const numRows = (): number =>
    drawn.reduce((rows, line) => rows + Math.max(1, Math.ceil(line.length / out.columns())), 0);
  const erasing = (): string =>
    drawn.length === 0 ? '' : `${clearLine}${clearLineAbove.repeat(numRows() - 1)}`;
  return {
    draw: (lines) => {
      out.write(`${drawn.length === 0 ? clearLine : erasing()}${lines.join('\n')}`);
      drawn = lines;
    },
    above: (text) => out.write(`${erasing()}${text}\n${drawn.join('\n')}`),
    erase: () => {
      if (drawn.length > 0) out.write(erasing());
      drawn = [];
    },
  };
}
