/**
 * Imports the experiment, loads its data and compiles its programs, away from the main thread, which must answer
 * heartbeats meanwhile. The thread stays: later generations may need plans for blocks of other sizes.
 */
import { parentPort } from 'node:worker_threads';
import { createDatasetCache } from '@lockstep/data';
import { invariant, toWireError } from '@lockstep/errors';
import { placed, placedLater } from '@lockstep/run';
import { createPlanCache, definitionOf } from '@lockstep/training';
import { importExperiment, projectRoot } from '../experiment-module.ts';
import { type CompiledExperiment, compileExperiment } from './compiled-experiment.ts';
import type { Compiled, Plans, Reply, Request, SearchResult } from './messages.ts';

const port = parentPort;
invariant(port !== null, 'the compiler thread is started by its worker');

let loaded: CompiledExperiment | undefined;

/** Experiments that this thread compiles one after the other may differ only in numbers, and have the same data. */
const cache = createPlanCache({ maxPlans: 32 });
const datasets = createDatasetCache();

port.on('message', (request: Request) => {
  work(request).then(
    (value) => port.postMessage({ value } satisfies Reply),
    (error: unknown) => port.postMessage({ error: toWireError(error) } satisfies Reply),
  );
});

async function work(request: Request): Promise<Compiled | Plans | SearchResult> {
  if (request.type === 'load') {
    loaded = await load(request);
    return loaded.compiled;
  }
  invariant(loaded !== undefined, 'the experiment is loaded before anything is asked of it');
  switch (request.type) {
    case 'plan':
      return loaded.plan(request.sizes);
    case 'search':
      return loaded.search(request.step, request.arrays);
    default:
      return request satisfies never;
  }
}

async function load({
  bundle,
  hash,
  config,
}: Extract<Request, { type: 'load' }>): Promise<CompiledExperiment> {
  const source = { bundle, hash, root: projectRoot() };
  const experiment = await placedLater(
    () => source,
    () => importExperiment(bundle, hash, config.params),
  );
  const dataset = await placedLater(
    () => source,
    () => datasets.load(experiment.data, config.limitSamples),
  );
  const defined = () => definitionOf(experiment);
  return compileExperiment(experiment, dataset, config, {
    within: (trace) => placed(source, defined, trace),
    cache,
  });
}
