/** What marks a trial in a drawing. Each status has a shape of its own, so that colour is never the only sign. */
import type { TrialStatus } from '@lockstep/view';
import { s } from '../dom.ts';

export type GlyphName = TrialStatus | 'best';

/** Around the origin; a path of about eight pixels. */
const paths: Readonly<Record<GlyphName, string>> = {
  best: 'M0 -6.6L1.9 -2.2L6.6 -1.8L3 1.4L4.1 6.1L0 3.6L-4.1 6.1L-3 1.4L-6.6 -1.8L-1.9 -2.2Z',
  finished: 'M3.6 0A3.6 3.6 0 1 1 -3.6 0A3.6 3.6 0 1 1 3.6 0Z',
  running: 'M3.4 0A3.4 3.4 0 1 1 -3.4 0A3.4 3.4 0 1 1 3.4 0Z',
  waiting: 'M2 0A2 2 0 1 1 -2 0A2 2 0 1 1 2 0Z',
  pruned: 'M-4 -3H4L0 4Z',
  failed: 'M-3.2 -3.2L3.2 3.2M3.2 -3.2L-3.2 3.2',
  cancelled: 'M-3.4 -3.4H3.4V3.4H-3.4Z',
  setAside: 'M0 -4.4L4.4 0L0 4.4L-4.4 0Z',
};

export const glyph = (name: GlyphName): SVGElement =>
  s('path', { class: `glyph glyph-${name}`, d: paths[name] });

/** A glyph in a text. */
export const glyphIcon = (name: GlyphName): SVGElement =>
  s(
    'svg',
    { class: 'glyph-icon', width: 16, height: 16, viewBox: '-8 -8 16 16', 'aria-hidden': 'true' },
    glyph(name),
  );
