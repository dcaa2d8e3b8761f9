/** Shows the steps of a run that stand out, with their samples where the data can be loaded. */

import { formOfDataset } from '@lockstep/data';
import { LockstepError } from '@lockstep/errors';
import { isRising } from '@lockstep/records';
import {
  epochAt,
  openRecordedRun,
  type RecordedRun,
  requireSameData,
  type Spike,
  samplesAt,
  samplingOf,
  spikesOf,
  viewSample,
} from '@lockstep/replay';
import { formatLine } from '@lockstep/tracking';
import { columnsOf } from '@lockstep/training';
import { sampleBrief } from './display/sample.ts';
import { type ShownSpike, spikesText } from './display/spikes.ts';
import type { OutputArgs } from './options.ts';
import { readRecords } from './read-records.ts';
import { type Terminal, widthOf } from './terminal.ts';

export interface SpikeArgs extends OutputArgs {
  readonly run: string;
  readonly metric: string;
  readonly top: number;
}

/** Samples of a step that are described in a few characters. */
const numBriefs = 4;

export async function spikeCommand(
  { run: path, metric, top, json }: SpikeArgs,
  terminal: Terminal,
): Promise<number> {
  const [record] = await readRecords([path], terminal);
  const { folder, curves } = record!;
  const spikes = spikesOf(record!, metric);
  const worst = [...spikes].sort((a, b) => b.score - a.score || a.step - b.step).slice(0, top);
  const { kind, steps } = curves[metric]!;
  const opened = worst.length === 0 ? undefined : await openOrReason(folder);
  const shown = worst.map((spike) =>
    opened === undefined || typeof opened === 'string'
      ? spike
      : withSamples(opened, spike, kind === 'step', json),
  );
  const note = typeof opened === 'string' ? opened : undefined;
  if (json) {
    for (const spike of shown) terminal.out.write(formatLine({ event: 'spike', ...spike }));
    const done = { event: 'done', run: folder, metric, values: steps.length, spikes: spikes.length };
    terminal.out.write(formatLine({ ...done, ...(note !== undefined && { note }) }));
  } else {
    const page = { run: folder, metric, numSteps: steps.length, numSpikes: spikes.length, shown };
    const text = spikesText(
      { ...page, isRising: isRising(metric), ...(note !== undefined && { note }) },
      widthOf(terminal.out),
    );
    terminal.out.write(text);
  }
  return 0;
}

/** The run with its data, or the reason why its samples cannot be named. */
async function openOrReason(folder: string): Promise<RecordedRun | string> {
  try {
    const run = await openRecordedRun(folder);
    requireSameData(run);
    return run;
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return `the samples are unknown: ${error.message}`;
  }
}

/** In evaluations all samples count, so only steps have samples of their own. With `all`, none is left out. */
function withSamples(run: RecordedRun, spike: Spike, isStep: boolean, all: boolean): ShownSpike {
  const epoch = epochAt(run.schedule(run.stage(spike.step)), spike.step);
  if (!isStep) return { ...spike, epoch };
  const indices = samplesAt(samplingOf(run), spike.step);
  const some = all ? indices : indices.slice(0, numBriefs);
  const [form, columns] = [formOfDataset(run.dataset), columnsOf(run.dataset, some, [some.length])];
  const samples = [...some].map((sample, place) => ({
    sample,
    brief: sampleBrief(viewSample(form, columns, place)),
  }));
  return { ...spike, epoch, samples, numSamples: indices.length };
}
