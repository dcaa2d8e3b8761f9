/**
 * Imports the experiment, loads its data and compiles its programs, away from the main thread, which must answer
 * heartbeats meanwhile. It stays for blocks of other sizes, which later generations may need.
 */
import { parentPort } from 'node:worker_threads';
import { shareable } from '@lockstep/data';
import { invariant, toWireError } from '@lockstep/errors';
import { createSchedule, exportPrograms, type Programs } from '@lockstep/run';
import { compilePrograms, hashesOf, type SearchOptions, searchNonFinite } from '@lockstep/training';
import { importExperiment } from '../experiment-module.ts';
import type { Compiled, Plans, Reply, Request, SearchResult } from './messages.ts';

const port = parentPort;
invariant(port !== null, 'the compiler thread is started by its worker');

let programs: Programs | undefined;
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
  const experiment = await importExperiment(bundle, hash);
  const { limitSamples } = config;
  const dataset = shareable(await experiment.data.load(limitSamples === null ? {} : { limitSamples }));
  const { train, validation } = dataset.splits;
  const { totalSteps } = createSchedule(config, train.size, validation !== undefined);
  programs = compilePrograms(experiment, dataset, config, totalSteps);
  searched = { experiment, dataset, config };
  // Blocks of one shard exist for every model: a mistake in it ends the run here, before its first step.
  const { earlyStopping } = experiment;
  const hashes = hashesOf(programs, earlyStopping);
  return { dataset, programs: exportPrograms(programs, [1]), earlyStopping, hashes };
}

async function plan(sizes: readonly number[]): Promise<Plans> {
  invariant(programs !== undefined, 'the experiment is loaded before plans are asked for');
  const { shardPlans, evaluationPlans } = exportPrograms(programs, sizes);
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
