/** Runs side by side, under letters, so that columns stay narrow: names of folders are long. */
import type { Comparison, RunRecord, Value } from '@lockstep/records';
import { metric, plural, rate, shortHash, sparkline } from './format.ts';
import { leftOut, none, sparkCells, valueText } from './records.ts';
import { fittedTable } from './table.ts';

/** `runs`: those of the comparison, in its order. */
export function comparisonText(runs: readonly RunRecord[], comparison: Comparison, width: number): string {
  const { settings, metrics, curves } = comparison;
  const letters = runs.map((_, i) => letterOf(i));
  const legend = runs.map(({ folder, status, steps, parent }, i) => {
    const begins = parent === undefined ? '' : `, the first ${rate(parent.step)} in ${parent.run}`;
    return `${letters[i]!}  ${folder}  ${status}, ${plural(steps, 'step')}${begins}`;
  });
  /** `rows`: the cells of each run, by the name of the row. */
  const block = (
    heading: string,
    rows: readonly (readonly [string, readonly string[]])[],
  ): readonly string[] => {
    const { lines, left } = fittedTable(
      [
        { heading, cells: rows.map(([name]) => name) },
        ...letters.map((letter, i) => ({ heading: letter, cells: rows.map(([, cells]) => cells[i]!) })),
      ],
      width,
    );
    return left.length === 0 ? lines : [...lines, leftOut(left)];
  };
  const numbers = (name: string, values: readonly (number | null)[]) =>
    [name, values.map((value) => (value === null ? none : metric(name, value)))] as const;
  const blocks = [
    legend,
    settings.length === 0
      ? ['no setting differs']
      : block(
          'settings that differ',
          settings.map(({ key, values }) => [key, values.map((value) => settingText(key, value))]),
        ),
    ...(metrics.length === 0
      ? []
      : [
          block(
            'last value',
            metrics.map(({ name, last }) => numbers(name, last)),
          ),
          block(
            'best value',
            metrics.map(({ name, best }) => numbers(name, best)),
          ),
          block(
            'curve',
            curves.map(({ name, values }) => [
              name,
              values.map(
                (of) =>
                  sparkline(
                    of.filter((value) => value !== null),
                    sparkCells,
                  ) || none,
              ),
            ]),
          ),
        ]),
    [fingerprintsText(comparison, runs.length)],
  ];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** `A` to `Z`, then `A2` and so on. */
const letterOf = (i: number): string =>
  `${String.fromCharCode(65 + (i % 26))}${i < 26 ? '' : Math.floor(i / 26) + 1}`;

function settingText(key: string, value: Value | null): string {
  if (value === null) return none;
  return /^(?:programs\.|build$|experiment$|data$)/.test(key)
    ? shortHash(String(value))
    : valueText(key, value);
}

function fingerprintsText({ fingerprints }: Comparison, numRuns: number): string {
  const { numCompared, firstDifferentStep } = fingerprints;
  const runs = numRuns === 2 ? 'both runs' : `all ${rate(numRuns)} runs`;
  if (numCompared === 0) return `fingerprints: there is no step at which ${runs} have one`;
  const steps = `${plural(numCompared, 'step')} at which ${runs} have one`;
  return firstDifferentStep === null
    ? `fingerprints: the same at the ${steps}`
    : `fingerprints: first different at step ${firstDifferentStep}, of the ${steps}`;
}
