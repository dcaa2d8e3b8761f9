/** Steps that stand out, as a table. */
import { type Spike, spikeScore, spikeWindow } from '@lockstep/replay';
import { metric, plural, rate } from './format.ts';
import { fittedTable } from './table.ts';

/** A step that stands out, with what is known of its samples. */
export interface ShownSpike extends Spike {
  readonly epoch?: number;
  readonly samples?: readonly { readonly sample: number; readonly brief: string }[];
  readonly numSamples?: number;
}

export interface SpikesPage {
  readonly run: string;
  readonly metric: string;
  /** Steps with a value of the metric. */
  readonly numSteps: number;
  /** All that stand out. */
  readonly numSpikes: number;
  readonly shown: readonly ShownSpike[];
  /** Whether less is worse. */
  readonly isRising: boolean;
  /** Why the samples are not shown. */
  readonly note?: string;
}

const none = '–';

export function spikesText(page: SpikesPage, width: number): string {
  const { run, metric: name, numSteps, numSpikes, shown, note } = page;
  const rule = `${spikeScore} or more median deviations ${page.isRising ? 'below' : 'above'} the median of the ${spikeWindow} values before`;
  const found = numSpikes === 0 ? 'none' : rate(numSpikes);
  const head = `${run}  ${found} of ${plural(numSteps, 'value')} of ${name} stand${numSpikes === 1 ? 's' : ''} out: ${rule}`;
  if (shown.length === 0) return `${head}\n`;
  const { lines } = fittedTable(
    [
      { heading: '  step', cells: shown.map(({ step }) => `  ${rate(step)}`), isNumeric: true },
      ...(shown.some(({ epoch }) => epoch !== undefined)
        ? [
            {
              heading: 'epoch',
              cells: shown.map(({ epoch }) => (epoch === undefined ? none : rate(epoch))),
              isNumeric: true,
            },
          ]
        : []),
      { heading: name, cells: shown.map(({ value }) => metric(name, value)), isNumeric: true },
      {
        heading: 'median',
        cells: shown.map(({ median }) => (Number.isNaN(median) ? none : metric(name, median))),
        isNumeric: true,
      },
      {
        heading: 'score',
        cells: shown.map(({ score }) => (Number.isFinite(score) ? score.toFixed(1) : '∞')),
        isNumeric: true,
      },
      ...(shown.some(({ samples }) => samples !== undefined)
        ? [{ heading: 'samples', cells: shown.map(samplesText) }]
        : []),
    ],
    width,
  );
  const notes = note === undefined ? [] : [`  ${note}`];
  const [worst] = shown;
  return `${[head, ...lines, ...notes, `  lockstep inspect ${run} --step ${worst!.step} shows the first`].join('\n')}\n`;
}

function samplesText({ samples, numSamples = 0 }: ShownSpike): string {
  if (samples === undefined) return none;
  const list = samples
    .map(({ sample, brief }) => (brief === '' ? `${sample}` : `${sample} (${brief})`))
    .join(', ');
  return numSamples > samples.length ? `${list}, … ${rate(numSamples)} in all` : list;
}
