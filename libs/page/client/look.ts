/** Colours and dashes. A curve is told by both, so that its colour is never the only sign. */

export interface Look {
  /** The number of a colour of the style sheet, `--curve-1` and so on; 0 is that of many curves. */
  readonly colour: number;
  /** Lengths of strokes and gaps in pixels; empty for a whole line. */
  readonly dash: readonly number[];
  /** Of 1. */
  readonly strength: number;
}

const numColours = 8;

const dashes: readonly (readonly number[])[] = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 2, 1, 2, 1, 2]];

/** Of numbers, which begin again where colours or dashes end. */
export const lookOf = (colour: number, dash: number): Look => ({
  colour: 1 + (colour % numColours),
  dash: dashes[dash % dashes.length]!,
  strength: 1,
});

export const manyLook: Look = { colour: 0, dash: [], strength: 0.35 };

export interface Palette {
  /** By number; the first is that of many curves. */
  readonly curves: readonly string[];
  readonly ink: string;
  readonly quiet: string;
  readonly line: string;
  readonly accent: string;
  readonly alarm: string;
  readonly panel: string;
  readonly font: string;
}

/** Colours of the style sheet as a canvas takes them, in the theme of this moment. */
export function readPalette(): Palette {
  const probe = document.createElement('span');
  document.body.append(probe);
  const colour = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const palette: Palette = {
    curves: Array.from({ length: numColours + 1 }, (_, i) => colour(`curve-${i}`)),
    ink: colour('ink'),
    quiet: colour('quiet'),
    line: colour('line'),
    accent: colour('accent'),
    alarm: colour('alarm'),
    panel: colour('panel'),
    font: getComputedStyle(document.body).fontFamily,
  };
  probe.remove();
  return palette;
}
