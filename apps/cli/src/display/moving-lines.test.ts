import { describe, expect, it } from 'vitest';
import { recordingStream } from '../fixtures/recording.ts';
import { screenOf } from '../fixtures/screen.ts';
import { createMovingLines } from './moving-lines.ts';

function moving(columns = 20) {
  const out = recordingStream(true, columns);
  return { lines: createMovingLines(out), shown: () => screenOf(out.text(), columns) };
}

describe('moving lines', () => {
  it('take the place of those before, of which there may have been more', () => {
    const { lines, shown } = moving();
    lines.draw(['step 1', 'a', 'b']);
    lines.draw(['step 2', 'c']);
    lines.draw(['step 3', 'd', 'e', 'f']);
    expect(shown().filter((line) => line !== '')).toEqual(['step 3', 'd', 'e', 'f']);
    lines.erase();
    lines.erase();
    expect(shown().join('')).toBe('');
  });

  it('stay below lines that are written meanwhile', () => {
    const { lines, shown } = moving();
    lines.above('a note');
    lines.draw(['step 1', 'a']);
    lines.above('another\nin two lines');
    lines.draw(['step 2', 'b']);
    expect(shown()).toEqual(['a note', 'another', 'in two lines', 'step 2', 'b']);
  });

  it('are erased where a terminal that became narrower has broken them', () => {
    let columns = 20;
    const out = { ...recordingStream(true), columns: () => columns };
    const lines = createMovingLines(out);
    lines.draw(['x'.repeat(15), 'y']);
    columns = 8;
    lines.draw(['done']);
    // The terminal has broken 15 characters into two rows of 8.
    const before = 'x'.repeat(15);
    const erasing = out.text().slice(`\r\x1b[2K${before}\ny`.length);
    expect(erasing).toBe('\r\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2Kdone');
  });
});
