/** What the command line of `lockstep scale` asks for, checked against the experiment. */
import { basename, extname } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { offeredProfiles } from '@lockstep/kernels';
import { parseAssignments } from '@lockstep/params';
import { parseLatency, parseRate, parseTarget } from '@lockstep/scaling';
import { type BatchRule, resolveConfig } from '@lockstep/training';
import { loadDeclarations, loadExperiment } from '../experiment-file.ts';
import type { OutputArgs } from '../options.ts';
import { requireWritableFolder } from '../writable.ts';
import type { ScaleRequest } from './scale-folder.ts';

export interface ScaleArgs extends OutputArgs {
  readonly experiment: string | undefined;
  readonly batch: string | undefined;
  readonly workers: string;
  readonly threads: number;
  readonly rule: BatchRule;
  readonly warmup: number;
  readonly rate: number | undefined;
  readonly target: string | undefined;
  readonly seeds: number;
  readonly seed: number | undefined;
  readonly epochs: number | undefined;
  readonly limitSamples: number | undefined;
  readonly set: readonly string[];
  readonly workerSteps: number;
  readonly branchAt: string | undefined;
  readonly tolerance: number;
  readonly link: string;
  readonly latency: string;
  readonly resume: string | undefined;
  readonly scaleRoot: string;
}

/** The part of a run over which the noise scale is averaged. */
const noisePart = 0.1;

/** @throws LockstepError `config` for what the command line or the experiment cannot have */
export async function createRequest(path: string, args: ScaleArgs): Promise<ScaleRequest> {
  await requireWritableFolder('scale-root', args.scaleRoot);
  const [set, file] = [
    parseAssignments(await loadDeclarations(path), args.set),
    await loadExperiment(path, args.set),
  ];
  const { experiment } = file;
  const { threads, rule, warmup, seeds, workerSteps, tolerance, link, latency } = args;
  [parseRate(link), parseLatency(latency)];
  requireRate(rule, args.rate);
  const { seed, batchSize, epochs, steps, numShards } = resolveConfig(experiment, {
    seed: args.seed,
    epochs: args.epochs,
  });
  const { splits } = await experiment.data.load({ limitSamples: args.limitSamples });
  if (splits.validation === undefined) {
    throw new LockstepError(
      'config',
      `${path} has no validation split, so batch sizes cannot be compared while they train; give the data one, such as { validation: 0.1 }`,
    );
  }
  const batches = numbersOf(
    '--batch',
    args.batch ?? [batchSize / 2, batchSize, 2 * batchSize, 4 * batchSize].join(','),
  );
  const workers = numbersOf('--workers', args.workers);
  requireShards(batches, workers, numShards, splits.train.size);
  if (args.branchAt !== undefined && args.branchAt !== 'none') requireBase(batches, batchSize);
  const target = args.target === undefined ? undefined : parseTarget(args.target);
  const numSamples = splits.train.size;
  // A run that is given in steps is as long in epochs, so that all batch sizes see as many samples.
  const numEpochs = epochs ?? Math.max(1, Math.round(((steps ?? 0) * batchSize) / numSamples));
  return {
    ...{
      file: path,
      name: file.name ?? basename(path, extname(path)),
      baseBatchSize: batchSize,
      batches,
      workers,
    },
    ...{ threads, rule, warmup, rate: args.rate ?? null, seeds, seed, epochs: numEpochs },
    ...{ metric: target?.metric ?? 'validation/loss', target: target?.value ?? null },
    ...{ limitSamples: args.limitSamples ?? null, set: set as ScaleRequest['set'] },
    ...{ workerSteps, tolerance, link, latency },
    branchAt: batches.includes(batchSize) ? branchesOf(args.branchAt, numEpochs) : [],
    branchBatches: [2, 4, 8].map((k) => k * batchSize).filter((size) => 2 * size <= numSamples),
    noiseSamples: Math.max(1, Math.round(noisePart * numEpochs * numSamples)),
    profile: offeredProfiles()[0]!,
  };
}

/**
 * Ascending whole numbers, each once.
 *
 * @throws LockstepError `config` for anything else
 */
export function numbersOf(option: string, text: string, least = 1): readonly number[] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (numbers.every((number) => Number.isSafeInteger(number) && number >= least))
    return [...new Set(numbers)].sort((a, b) => a - b);
  throw new LockstepError(
    'config',
    `${option} must be whole numbers of at least ${least} with commas between them, such as 1,2,4, not '${text}'`,
    { given: text },
  );
}

/** Epochs after which branches begin: by default a quarter and a half of the run, where that leaves an epoch. */
function branchesOf(given: string | undefined, epochs: number): readonly number[] {
  if (given === 'none') return [];
  const last = epochs - 1;
  const wanted =
    given ?? [Math.round(epochs / 4), Math.round(epochs / 2)].map((epoch) => Math.max(1, epoch)).join(',');
  const at = numbersOf('--branch-at', wanted);
  if (given === undefined) return at.filter((epoch) => epoch <= last);
  const late = at.find((epoch) => epoch > last);
  if (late === undefined) return at;
  throw new LockstepError(
    'config',
    `--branch-at ${late}: a branch trains one epoch, and the runs have ${epochs}; take at most ${last}, or give more --epochs`,
    { late, epochs },
  );
}

function requireBase(batches: readonly number[], batchSize: number): void {
  if (batches.includes(batchSize)) return;
  throw new LockstepError(
    'config',
    `--branch-at: branches begin in the run of the experiment's own batch size, ${batchSize}, which --batch ${batches.join(',')} lacks; add it`,
    { batches, batchSize },
  );
}

function requireRate(rule: BatchRule, rate: number | undefined): void {
  const needs = rule === 'lars' || rule === 'lamb';
  if (needs === (rate !== undefined)) return;
  throw new LockstepError(
    'config',
    needs
      ? `--rule ${rule} takes the place of the experiment's optimizer; give its peak rate at the experiment's own batch size with --rate`
      : `--rate belongs to --rule lars and lamb; with --rule ${rule} the experiment's own rate is scaled (--set changes a declared one)`,
    { rule },
  );
}

function requireShards(
  batches: readonly number[],
  workers: readonly number[],
  numShards: number,
  numSamples: number,
): void {
  const most = workers.at(-1)!;
  if (most > numShards) {
    throw new LockstepError(
      'config',
      `--workers ${most}: a worker computes at least one shard, and the experiment has ${numShards}; take at most ${numShards}`,
      { most, numShards },
    );
  }
  const large = batches.find((size) => size > numSamples);
  if (large === undefined) return;
  throw new LockstepError(
    'config',
    `--batch ${large}: the training data have ${numSamples} samples, and a larger batch would be filled with padding; take smaller ones`,
    { large, numSamples },
  );
}
