/** An inspected step as a page: samples, parameters, layers. */
import type { Tensor } from '@lockstep/autodiff';
import { type ArrayStatistics, type Inspection, statisticsOf, viewSample } from '@lockstep/replay';
import { formatShape } from '@lockstep/tensor';
import { histogramLine, metric, plural, rate } from './format.ts';
import { leftOut } from './records.ts';
import { labelText, sampleBrief, sampleLines } from './sample.ts';
import { fittedTable, type TableColumn } from './table.ts';

/** Samples whose indices are shown, and those with the greatest loss. */
const [shownIndices, shownLosses] = [8, 5];

/** `totalSteps`: those of the run. */
export function inspectionText(inspection: Inspection, totalSteps: number, width: number): string {
  const { run, step, epoch, stepMetrics, isUpdated, nonFinite } = inspection;
  const metrics = Object.entries(stepMetrics).map(([name, value]) => `${name} ${metric(name, value)}`);
  const stopped =
    nonFinite === undefined
      ? []
      : [
          `  not finite: ${nonFinite.join(', ')}${isUpdated ? '' : '; the run stopped here, without an update'}`,
        ];
  const blocks = [
    [
      `${run}  step ${rate(step)} of ${rate(totalSteps)}, epoch ${epoch}`,
      `  ${metrics.join('  ')}`,
      ...stopped,
    ],
    inspection.samples.size === 1 ? oneSample(inspection, width) : manySamples(inspection, width),
    parameterLines(inspection, width),
    stateLines(inspection, width),
    layerLines(inspection, width),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function oneSample(inspection: Inspection, width: number): readonly string[] {
  const { samples, columns, data, loss, metrics } = inspection;
  const view = viewSample(data, columns, 0);
  const values = Object.entries({ loss, ...metrics }).map(
    ([name, of]) => `${name} ${metric(name, of.data[0]!)}`,
  );
  const label = view.label === undefined ? '' : `  label ${labelText(view.label)}`;
  const lines = sampleLines(view, Math.min(width, maxPicture) - 2).map((line) => `  ${line}`.trimEnd());
  return [`sample ${samples.data[0]}${label}  ${values.join('  ')}`, ...lines];
}

/** The greatest width of a picture; a pipe has no width. */
const maxPicture = 100;

function manySamples(inspection: Inspection, width: number): readonly string[] {
  const { samples, columns, data, loss } = inspection;
  const indices = [...samples.data];
  const first = indices.slice(0, shownIndices).join(', ');
  const more = indices.length > shownIndices ? ', …' : '';
  const byLoss = indices.map((_, place) => place).sort((a, b) => rank(loss.data[b]!) - rank(loss.data[a]!));
  const greatest = byLoss.slice(0, shownLosses);
  const views = greatest.map((place) => viewSample(data, columns, place));
  const { lines } = fittedTable(
    [
      { heading: '  sample', cells: greatest.map((place) => `  ${indices[place]}`), isNumeric: true },
      { heading: 'loss', cells: greatest.map((place) => metric('loss', loss.data[place]!)), isNumeric: true },
      { heading: '', cells: views.map(sampleBrief) },
    ],
    width,
  );
  return [`${plural(indices.length, 'sample')}: ${first}${more}`, 'the greatest losses', ...lines];
}

/** A loss that is not finite comes first. */
const rank = (loss: number): number => (Number.isFinite(loss) ? loss : Number.POSITIVE_INFINITY);

interface Row {
  readonly name: string;
  readonly shape: string;
  readonly statistics: ArrayStatistics;
}

const rowsOf = (tensors: Readonly<Record<string, Tensor>>): readonly Row[] =>
  Object.entries(tensors).map(([name, { data, shape }]) => ({
    ...{ name, shape: formatShape(shape), statistics: statisticsOf(data) },
  }));

function parameterLines(inspection: Inspection, width: number): readonly string[] {
  const { params, gradients, updates, sampleGradients } = inspection;
  const rows = rowsOf(params);
  if (rows.length === 0) return [];
  const of = (tensors: Readonly<Record<string, Tensor>>) =>
    rows.map(({ name }) => statisticsOf(tensors[name]!.data));
  const [gradient, update] = [of(gradients), of(updates)];
  const own = sampleGradients && of(sampleGradients);
  const norms = (list: readonly ArrayStatistics[]) => list.map(({ norm }) => short(norm));
  return block(
    [
      { heading: 'parameter', cells: rows.map(({ name }) => name || '(the parameter)') },
      { heading: 'shape', cells: rows.map(({ shape }) => shape) },
      ...statisticColumns(rows, ['norm']),
      number('gradient', norms(gradient)),
      ...(own ? [number('of sample', norms(own))] : []),
      number('update', norms(update)),
      number(
        'update/norm',
        rows.map(({ statistics: { norm } }, i) => (norm === 0 ? none : short(update[i]!.norm / norm))),
      ),
      ...statisticColumns(rows, ['mean', 'min', 'max']),
      { heading: 'values', cells: rows.map(({ statistics }) => histogramLine(statistics.histogram)) },
      { heading: 'gradients', cells: gradient.map(({ histogram }) => histogramLine(histogram)) },
      { heading: 'updates', cells: update.map(({ histogram }) => histogramLine(histogram)) },
    ],
    width,
  );
}

function stateLines({ state }: Inspection, width: number): readonly string[] {
  const rows = rowsOf(state);
  if (rows.length === 0) return [];
  return block(
    [
      { heading: 'state', cells: rows.map(({ name }) => name) },
      { heading: 'shape', cells: rows.map(({ shape }) => shape) },
      ...statisticColumns(rows, ['norm', 'mean', 'min', 'max']),
      { heading: 'values', cells: rows.map(({ statistics }) => histogramLine(statistics.histogram)) },
    ],
    width,
  );
}

function layerLines({ layers }: Inspection, width: number): readonly string[] {
  if (layers.length === 0) return [];
  const rows = layers.map(({ name, kind, output }) => ({
    ...{ name: `${name} ${kind}`.trim(), shape: formatShape(output.shape) },
    statistics: statisticsOf(output.data),
  }));
  return block(
    [
      { heading: 'layer', cells: rows.map(({ name }) => name) },
      { heading: 'output', cells: rows.map(({ shape }) => shape) },
      ...statisticColumns(rows, ['mean', 'std']),
      number(
        'zero',
        rows.map(({ statistics: { zeros } }) => `${(100 * zeros).toFixed(1)}%`),
      ),
      ...statisticColumns(rows, ['min', 'max']),
      { heading: 'values', cells: rows.map(({ statistics }) => histogramLine(statistics.histogram)) },
    ],
    width,
  );
}

/** Columns of numbers, and one of the elements that are not finite if there are any. */
function statisticColumns(
  rows: readonly Row[],
  names: readonly ('norm' | 'mean' | 'std' | 'min' | 'max')[],
): readonly TableColumn[] {
  const counts = rows.map(({ statistics: { numNonFinite } }) => numNonFinite);
  return [
    ...names.map((name) =>
      number(
        name,
        rows.map(({ statistics }) => short(statistics[name])),
      ),
    ),
    ...(names.includes('max') && counts.some((count) => count > 0)
      ? [number('not finite', counts.map(rate))]
      : []),
  ];
}

const none = '–';
const number = (heading: string, cells: readonly string[]): TableColumn => ({
  heading,
  cells,
  isNumeric: true,
});
const short = (value: number): string => metric('', value);

function block(columns: readonly TableColumn[], width: number): readonly string[] {
  const { lines, left } = fittedTable(columns, width);
  return left.length === 0 ? lines : [...lines, leftOut(left)];
}

/** The page as plain data, for programs. */
export function inspectionRecord(
  inspection: Inspection,
  totalSteps: number,
): Readonly<Record<string, unknown>> {
  const { run, step, epoch, samples, loss, stepMetrics, warnings, nonFinite, isUpdated } = inspection;
  const { params, state, gradients, updates, sampleGradients, layers } = inspection;
  const described = (x: Tensor) => ({ shape: x.shape, ...statisticsOf(x.data) });
  return {
    ...{ event: 'inspection', run, step, totalSteps, epoch, metrics: stepMetrics, isUpdated },
    ...(nonFinite && { nonFinite }),
    ...(warnings.length > 0 && { warnings }),
    samples: [...samples.data].map((sample, place) => {
      const { content, label } = viewSample(inspection.data, inspection.columns, place);
      // The pixels of a whole batch would be millions of numbers in one line.
      const known = { sample, loss: loss.data[place], ...(label !== undefined && { label }) };
      return samples.size === 1 || content.kind === 'text' ? { ...known, content } : known;
    }),
    params: Object.entries(params).map(([name, x]) => ({
      ...{ name, ...described(x), gradient: statisticsOf(gradients[name]!.data) },
      update: statisticsOf(updates[name]!.data),
      ...(sampleGradients && { sampleGradient: statisticsOf(sampleGradients[name]!.data) }),
    })),
    state: Object.entries(state).map(([name, x]) => ({ name, ...described(x) })),
    layers: layers.map(({ name, kind, output }) => ({ name, kind, ...described(output) })),
  };
}
