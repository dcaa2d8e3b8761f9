/** A thread that fills batches before they are needed, in the order in which they are asked for. */
import { parentPort, workerData } from 'node:worker_threads';
import { stepsPerEpoch } from '@lockstep/data';
import { invariant } from '@lockstep/errors';
import { createMovingKernels } from '@lockstep/kernels';
import {
  type BatchFiller,
  createBatchFiller,
  evaluationSlot,
  importPrograms,
  type RunConfig,
} from '@lockstep/run';
import type { Configuration, LoaderRequest } from './commands.ts';
import { awaitRead, hand, readCounts } from './supply.ts';

const words = workerData as Int32Array;
const port = parentPort;
invariant(port !== null, 'the loader is started by its worker');

interface Configured extends Pick<Configuration, 'dataset' | 'numThreads'> {
  readonly filler: BatchFiller;
  readonly config: RunConfig;
}

let configured: Configured | undefined;

port.on('message', (request: LoaderRequest) => {
  if (request.kind === 'configure') {
    const { programs, layout, memory, dataset, config, numThreads } = request.configuration;
    const filler = createBatchFiller({
      programs: importPrograms(programs),
      layout,
      buffer: memory.buffer,
      dataset,
      config,
      kernels: createMovingKernels(),
    });
    configured = { filler, dataset, config, numThreads };
    port.postMessage('configured');
    return;
  }
  invariant(configured !== undefined, 'the loader is configured before it works');
  if (request.kind === 'evaluation') return loadEvaluation(configured, request);
  const { step, slot, ticket } = request;
  configured.filler.fillTraining(step, slot);
  hand(words, slot, ticket);
});

/** Fills all batches of a pass, each as soon as its slot is free. Both slots are free at the end. */
function loadEvaluation(
  { filler, dataset, config, numThreads }: Configured,
  { split, step, ticket }: Extract<LoaderRequest, { kind: 'evaluation' }>,
): void {
  const before = readCounts(words, numThreads);
  const numBatches = stepsPerEpoch(dataset.splits[split]!.size, config.batchSize);
  for (let batch = 0; batch < numBatches; batch++) {
    awaitRead(words, before, batch - 1);
    const slot = evaluationSlot(batch, step);
    filler.fillEvaluation(split, batch, slot);
    hand(words, slot, ticket + batch);
  }
  awaitRead(words, before, numBatches);
}
