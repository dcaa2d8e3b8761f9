/** Lines at the end of a terminal's output that are drawn over as they change. Elsewhere nothing of them is written. */
import type { Stream } from '../terminal.ts';

export interface LiveBlock {
  /** Writes text above the lines. It ends with a line feed. */
  above(text: string): void;
  /** Draws other lines in their place; those that are too long are cut. Often called: most calls within `redrawMs` draw nothing. */
  draw(lines: () => readonly string[]): void;
  /** Draws what the last calls asked for. */
  flush(): void;
  erase(): void;
}

const redrawMs = 100;

export function createLiveBlock(stream: Stream, now: () => number = () => performance.now()): LiveBlock {
  let drawn: readonly string[] = [];
  let wanted: (() => readonly string[]) | undefined;
  let drawnAt = Number.NEGATIVE_INFINITY;

  /** A window that became narrower since has wrapped them. */
  const numRows = (): number =>
    drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / Math.max(1, stream.columns()))), 0);

  function erase(): void {
    if (drawn.length === 0) return;
    const up = numRows() - 1;
    stream.write(`\r${up > 0 ? `\x1b[${up}A` : ''}\x1b[J`);
    drawn = [];
  }

  function flush(): void {
    if (wanted === undefined) return;
    drawnAt = now();
    // The last column stays free, because some terminals wrap there.
    const lines = wanted().map((line) => line.slice(0, Math.max(1, stream.columns() - 1)));
    wanted = undefined;
    erase();
    stream.write(lines.join('\n'));
    drawn = lines;
  }

  return {
    above(text) {
      const kept = drawn;
      erase();
      stream.write(text);
      wanted ??= kept.length > 0 ? () => kept : undefined;
      if (stream.isTTY) flush();
    },
    draw(lines) {
      if (!stream.isTTY) return;
      wanted = lines;
      if (now() - drawnAt >= redrawMs) flush();
    },
    flush,
    erase,
  };
}
