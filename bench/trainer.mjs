/** Runs the programs and the executor of a worker in one thread with all shards of an experiment, without sockets. */
import { createMemory } from '@lockstep/kernels';
import { combineWith, layoutWorker, viewer } from '@lockstep/run';
import { compilePrograms, createExecutor, resolveConfig } from '@lockstep/training';
import { kernelsOf, SCRATCH_BYTES } from './kernels.mjs';

/** More steps than any measurement takes; only schedules read this number. */
const TOTAL_STEPS = 1_000_000;

/**
 * @param options `numShards`, `profile`; `record`, what the step records (default: nothing); `histograms`, whether every step takes
 * histograms (default: false)
 * @returns `step()`, a whole training step; `update()`, only its update, with the sums of the last step; `loss()` of the last step
 */
export async function createTrainer(experiment, { numShards, profile, record = 'off', histograms = false }) {
  const dataset = await experiment.data.load();
  const config = resolveConfig(experiment, { shards: numShards, steps: TOTAL_STEPS });
  const programs = compilePrograms(experiment, dataset, config, TOTAL_STEPS);
  const layout = layoutWorker({
    programs,
    threads: [{ start: 0, count: numShards }],
    scratchBytes: SCRATCH_BYTES,
    evaluationSamples: 0,
    batchSize: config.batchSize,
    record: /** @type {import('@lockstep/run').RecordMode} */ (record),
  });
  const memory = createMemory(layout.bytes);
  const kernels = kernelsOf({ profile, memory, scratchOffset: layout.scratch[0] });
  const executor = createExecutor({
    programs,
    layout,
    thread: 0,
    buffer: memory.buffer,
    kernels,
    dataset,
    config,
  });
  const exchanges = bindExchanges(programs, layout, viewer(memory.buffer), combineWith(kernels));
  const metrics = viewer(memory.buffer)(layout.stepMetrics);

  let count = 0;
  const copy = /** @type {import('@lockstep/run').ReplicaCopy} */ (0);
  executor.initialize(copy);
  return {
    step() {
      count++;
      for (const [segment, exchange] of exchanges.entries()) {
        executor.runSegment(count, segment, copy);
        exchange();
      }
      executor.runUpdate(count, copy, { histograms });
    },
    update: () => executor.runUpdate(count, copy, { histograms }),
    loss: () => metrics[programs.stepMetrics.indexOf('loss')],
  };
}

/** The exchange after each segment: the sums of the only block are the result and are copied to its place. */
function bindExchanges(programs, layout, view, { copy }) {
  const [{ numShards, arena }] = layout.blocks;
  return programs.shard(numShards).exchanges.map((buckets, segment) => {
    const copies = buckets.map(({ byteOffset, size }, bucket) => ({
      from: view({ dtype: 'float32', shape: [size], byteOffset: arena + byteOffset }),
      to: view(layout.results[segment][bucket]),
    }));
    return () => {
      for (const { from, to } of copies) copy(to, from);
    };
  });
}
