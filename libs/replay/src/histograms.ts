/** Recorded histograms of a step beside those of the same step computed again. */
import type { Histogram } from '@lockstep/tensor';
import type { StepHistograms } from '@lockstep/tracking';
import type { UpdateHistograms } from '@lockstep/training';
import type { Parting } from './comparison.ts';

/** The beginning of what {@link Parting} names for a histogram. */
export const ofHistogram = 'histogram of ';

/** The first field that differs; undefined if all are the same. Histograms that one side alone has differ in their number of elements. */
export function differentHistogram(
  recorded: StepHistograms,
  computed: UpdateHistograms,
): Parting | undefined {
  for (const kind of ['params', 'gradients', 'updates'] as const) {
    const names = new Set([...Object.keys(recorded[kind]), ...Object.keys(computed[kind])]);
    for (const name of names) {
      const [a, b] = [recorded[kind][name], computed[kind][name]];
      const field = fields.find((one) => text(a, one) !== text(b, one));
      if (field === undefined) continue;
      const what = `${ofHistogram}${kind}/${name}, ${field}`;
      return { step: recorded.step, what, recorded: text(a, field), computed: text(b, field) };
    }
  }
  return undefined;
}

const fields = ['count', 'nonFinite', 'min', 'max', 'sum', 'sumOfSquares', 'first', 'counts'] as const;

/** Null where there is no such histogram or no such field. */
function text(of: Histogram | undefined, field: (typeof fields)[number]): string | null {
  const value = of?.[field];
  return value === undefined ? null : JSON.stringify(value);
}
