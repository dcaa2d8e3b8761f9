/**
 * Imports the experiment, loads its data and compiles its programs, away from the main thread, which must answer
 * heartbeats meanwhile. It stays for blocks of other sizes, which later generations may need.
 */
import { parentPort } from 'node:worker_threads';
import { shareable } from '@lockstep/data';
import { invariant, toWireError } from '@lockstep/errors';
import { createSchedule, exportPrograms, type ProgramSet, placed, placedLater } from '@lockstep/run';
import { compilePrograms, definitionOf } from '@lockstep/training';
import { importExperiment, projectRoot } from '../experiment-module.ts';
import type { Compiled, Plans, Reply, Request } from './messages.ts';

const port = parentPort;
invariant(port !== null, 'the compiler thread is started by its worker');

/** The programs with plans for blocks of the given sizes. */
let planned: ((sizes: readonly number[]) => ProgramSet) | undefined;

port.on('message', (request: Request) => {
  const work = request.type === 'load' ? load(request) : plan(request.sizes);
  work.then(
    (value) => port.postMessage({ value } satisfies Reply),
    (error: unknown) => port.postMessage({ error: toWireError(error) } satisfies Reply),
  );
});

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
  planned = (sizes) => placed(source, defined, () => exportPrograms(programs, sizes));
  // Blocks of one shard exist for every model: a mistake in it ends the run here, before its first step.
  return { dataset, programs: planned([1]), earlyStopping: experiment.earlyStopping };
}

async function plan(sizes: readonly number[]): Promise<Plans> {
  invariant(planned !== undefined, 'the experiment is loaded before plans are asked for');
  const { shardPlans, evaluationPlans } = planned(sizes);
  return { shardPlans, evaluationPlans };
}
