/** The lines of one metric's chart. */
import { bandOf, type Curve, type Points, smoothed } from '@lockstep/view';
import { fitted, type Line } from './lines.ts';
import { groupsOf, type Selected } from './selection.ts';

export interface LineOptions {
  /** In steps; 0 draws the points as they are. */
  readonly smoothing: number;
  /** Runs that differ in their seed alone are one line with a band. */
  readonly seeds: boolean;
  /** A finer curve of a run, by its index, if there is one. */
  readonly curveOf: (run: number) => Curve | undefined;
  /** The steps that are shown, and across how many pixels. */
  readonly from: number;
  readonly to: number;
  readonly pixels: number;
}

/** More curves are drawn through the means of their columns. */
const maxWhole = 24;

/** Behind more smoothed lines their points would hide them. */
const maxRaw = 6;

export function linesOf(drawn: readonly Selected[], metric: string, options: LineOptions): readonly Line[] {
  const found = drawn.flatMap((selected) => {
    const known = selected.run.curves.get(metric);
    if (known === undefined) return [];
    const whole = options.curveOf(selected.run.index) ?? known.curve;
    return [
      { ...selected, kind: known.kind, curve: fitted(whole, options.from, options.to, options.pixels) },
    ];
  });
  if (options.seeds) return groupLines(found, options.smoothing);
  // Of many curves nobody sees single points.
  const isMany = found.length > maxWhole;
  const hasRaw = options.smoothing > 0 && found.length <= maxRaw;
  return found.map(({ run, label, look, curve, kind }) => {
    // Evaluations are few, so smoothing would only move them.
    const isSmoothed = options.smoothing > 0 && kind !== 'evaluation';
    return {
      ...{ key: run.id, label, look },
      points: isSmoothed ? smoothed(curve.means, options.smoothing) : isMany ? curve.means : curve,
      ...(isSmoothed && hasRaw && { raw: curve }),
    };
  });
}

function groupLines(
  found: readonly (Selected & { readonly curve: Curve })[],
  smoothing: number,
): readonly Line[] {
  return groupsOf(found).map(({ key, label, look, members }) => {
    const curves = members.map(
      ({ curve }): Points => (smoothing > 0 ? smoothed(curve.means, smoothing) : curve.means),
    );
    const band = bandOf(curves);
    return {
      ...{ key, look, label },
      points: { steps: band.steps, values: band.mean },
      ...(members.length > 1 && { band }),
    };
  });
}
