/** `lockstep explain --link`: predicts a step on machines that one does not have, from what it costs on this one. */
import {
  breakEvenRate,
  modelStep,
  type NetworkLink,
  parseLatency,
  parseRate,
  type StepCosts,
} from '@lockstep/scaling';
import type { RunOverrides } from '@lockstep/training';
import { linkText } from '../display/link.ts';
import type { ExperimentFile } from '../experiment-file.ts';
import type { Terminal } from '../terminal.ts';
import { prepareStep } from './measured-step.ts';
import type { LinkPrediction, PredictedRow } from './prediction.ts';

export interface LinkArgs {
  readonly link: string;
  readonly latency: string;
  readonly workers: number;
  readonly threads: number;
}

/** Measures the steps of each division and prints what the model says. Resolves with the exit code. */
export async function explainLink(
  file: ExperimentFile,
  args: LinkArgs & RunOverrides,
  { json, terminal }: { readonly json: boolean; readonly terminal: Terminal },
): Promise<number> {
  const link = { bitsPerSecond: parseRate(args.link), latencyMs: parseLatency(args.latency) };
  const prediction = await predictLink(file, args, link);
  terminal.out.write(json ? `${JSON.stringify({ event: 'done', ...prediction })}\n` : linkText(prediction));
  return 0;
}

async function predictLink(
  file: ExperimentFile,
  args: LinkArgs & RunOverrides,
  link: NetworkLink,
): Promise<LinkPrediction> {
  const { config, profile, exchanges, measure } = await prepareStep(file, args);
  const { threads } = args;
  /** Workers without shards stand by, so a division is measured once. */
  const costs = new Map<number, StepCosts>();
  const costsOf = (workers: number): StepCosts => {
    const working = Math.min(workers, config.numShards);
    const known = costs.get(working) ?? measure(working, threads);
    costs.set(working, known);
    return known;
  };
  const alone = modelStep(costsOf(1), exchanges, link).stepMs;
  const rows = workerCounts(args.workers).map((workers): PredictedRow => {
    const own = costsOf(workers);
    const step = modelStep(own, exchanges, link);
    const speedUp = alone / step.stepMs;
    const breakEven = breakEvenRate(own, exchanges, link.latencyMs, alone);
    return {
      workers,
      shards: Math.max(...own.ranges.map(({ count }) => count)),
      ...step,
      samplesPerSecond: (1_000 * config.batchSize) / step.stepMs,
      ...{ speedUp, efficiency: speedUp / workers },
      ...(breakEven !== undefined && { breakEven }),
    };
  });
  return {
    ...{ experiment: file.name, batchSize: config.batchSize, numShards: config.numShards },
    ...{ profile, threads, link },
    exchangedBytes: exchanges.flat().reduce((sum, { size }) => sum + 4 * size, 0),
    numExchanges: exchanges.length,
    rows,
  };
}

/** 1, 2, 4 and so on, and the number that was asked for. */
export function workerCounts(most: number): readonly number[] {
  const counts: number[] = [];
  for (let count = 1; count < most; count *= 2) counts.push(count);
  return [...counts, most];
}
