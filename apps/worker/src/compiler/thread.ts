/**
 * Imports the experiment, loads its data and compiles its programs, away from the main thread, which must answer
 * heartbeats meanwhile. It stays for blocks of other sizes, which later generations may need.
 */
import { parentPort } from 'node:worker_threads';
import { shareable } from '@lockstep/data';
import { invariant, toWireError } from '@lockstep/errors';
import { createSchedule, exportPrograms, type ProgramSet, placed, placedLater } from '@lockstep/run';
import {
  compilePrograms,
  definitionOf,
  hashesOf,
  type SearchOptions,
  searchNonFinite,
} from '@lockstep/training';
import { importExperiment, projectRoot } from '../experiment-module.ts';
import type { Compiled, Plans, Reply, Request, SearchResult } from './messages.ts';

const port = parentPort;
invariant(port !== null, 'the compiler thread is started by its worker');

/** The programs with plans for blocks of the given sizes. */
let planned: ((sizes: readonly number[]) => ProgramSet) | undefined;
let searched: Omit<SearchOptions, 'step' | 'arrays'> | undefined;

port.on('message', (request: Request) => {
  work(request).then(
    (value) => port.postMessage({ value } satisfies Reply),
    (error: unknown) => port.postMessage({ error: toWireError(error) } satisfies Reply),
  );
});

function work(request: Request): Promise<Compiled | Plans | SearchResult> {
  switch (request.type) {
    case 'load':
      return load(request);
    case 'plan':
      return plan(request.sizes);
    case 'search':
      return search(request);
    default:
      return request satisfies never;
  }
}

async function load({ bundle, hash, config }: Extract<Request, { type: 'load' }>): Promise<Compiled> {
  const source = { bundle, hash, root: projectRoot() };
  const experiment = await placedLater(
    () => source,
    () => importExperiment(bundle, hash),
  );
  const { limitSamples } = config;
  const data = await placedLater(
    () => source,
    () => experiment.data.load(limitSamples === null ? {} : { limitSamples }),
  );
  const dataset = shareable(data);
  const { train, validation } = dataset.splits;
  const { totalSteps } = createSchedule(config, train.size, validation !== undefined);
  const defined = () => definitionOf(experiment);
  const programs = placed(source, defined, () => compilePrograms(experiment, dataset, config, totalSteps));
  searched = { experiment, dataset, config };
  planned = (sizes) => placed(source, defined, () => exportPrograms(programs, sizes));
  // Blocks of one shard exist for every model: a mistake in it ends the run here, before its first step.
  const { earlyStopping } = experiment;
  const hashes = hashesOf(programs, earlyStopping);
  return { dataset, programs: planned([1]), earlyStopping, hashes };
}

async function plan(sizes: readonly number[]): Promise<Plans> {
  invariant(planned !== undefined, 'the experiment is loaded before plans are asked for');
  const { shardPlans, evaluationPlans } = planned(sizes);
  return { shardPlans, evaluationPlans };
}

async function search({ step, arrays }: Extract<Request, { type: 'search' }>): Promise<SearchResult> {
  invariant(searched !== undefined, 'the experiment is loaded before anything is looked for in it');
  const result = searchNonFinite({ ...searched, step, arrays });
  if (result === undefined) {
    return {
      message: 'every shard and the penalty are finite by themselves; their sum over the step is not',
    };
  }
  const { shard, found } = result;
  const where = shard === undefined ? 'in the penalty' : `in shard ${shard}`;
  return { message: `${where}, ${found.message}`, ...(found.site !== undefined && { site: found.site }) };
}
