/** What is sent of curves and work. */
import { type Curve, emptyCurve, GrowingWork, type Work } from '@lockstep/view';

/**
 * Means only draw lines, so they are rounded to what takes half the bytes. Where every point is there, the reader computes them.
 */
export function compact(curve: Curve): Curve {
  const { width, means } = curve;
  if (width === 1) return { ...curve, means: emptyCurve.means };
  return {
    ...curve,
    means: {
      steps: means.steps.map(Math.fround),
      values: means.values.map(Math.fround),
      counts: means.counts,
    },
  };
}

/** Sums over at most so many columns, rounded to what takes half the bytes. */
export function coarser(work: Work, columns: number): Work {
  const growing = new GrowingWork(columns);
  growing.addAll(work);
  const { width, ...sums } = growing.get();
  const rounded = Object.entries(sums).map(([name, values]) => [name, values.map(Math.fround)]);
  return { width, ...(Object.fromEntries(rounded) as Omit<Work, 'width'>) };
}
