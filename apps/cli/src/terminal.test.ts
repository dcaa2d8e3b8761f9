import { describe, expect, it } from 'vitest';
import { coloured } from './display/colour.ts';
import { streamOf } from './terminal.ts';

const terminal = { write: () => true, isTTY: true, columns: 80 };

describe('a stream', () => {
  it('has colours on a terminal, unless somebody does not want them', () => {
    expect(streamOf(terminal, { TERM: 'xterm' })).toMatchObject({ isTTY: true, hasColours: true });
    expect(streamOf(terminal, { NO_COLOR: '' }).hasColours).toBe(true);
    expect(streamOf(terminal, { NO_COLOR: '1' })).toMatchObject({ isTTY: true, hasColours: false });
    expect(streamOf({ ...terminal, isTTY: false }, {})).toMatchObject({ isTTY: false, hasColours: false });
  });

  it('has a width where the terminal does not know its own', () => {
    expect(streamOf({ ...terminal, columns: 0 }, {}).columns()).toBe(100);
    expect(streamOf(terminal, {}).columns()).toBe(80);
  });

  it('has plain lines on a terminal that cannot move its cursor', () => {
    expect(streamOf(terminal, { TERM: 'dumb' })).toMatchObject({ isTTY: false, hasColours: false });
  });
});

it('signs are coloured, and nothing else', () => {
  const colours = { hasColours: true };
  expect(coloured('  ! worker a is gone!', colours)).toBe('  \x1b[33m!\x1b[0m worker a is gone!');
  expect(coloured('  ✓ loss 1', colours)).toBe('  \x1b[32m✓\x1b[0m loss 1');
  expect(coloured('  + worker a joined', colours)).toBe('  + worker a joined');
  expect(coloured('  ✓ loss 1', { hasColours: false })).toBe('  ✓ loss 1');
});
