import { sharedMemory } from '@lockstep/lanes';
import { readStepRecord } from '@lockstep/tracking';
import { compilePrograms, createLocalWorker } from '@lockstep/training';
import { expect, it } from 'vitest';
import { startCluster } from '../cluster/harness/cluster.ts';
import { bestProfile, loadExperiment } from '../cluster/harness/experiment.ts';
import { direct } from '../cluster/harness/lanes.ts';

const numSteps = 6;
const at = 5;

it('the record of processes is that of one process up to a fault in a step that threads exchange by themselves', async () => {
  const experiment = await loadExperiment('cnn', { limitSamples: 950, steps: numSteps });
  const cluster = await startCluster({
    ...{ experiment, workers: 3, record: 'full', compares: false, logLevel: 'info' },
    faults: (worker) =>
      worker === 1
        ? { planted: { step: at, part: 'replica', variable: 'params/0/kernel', element: 3 } }
        : undefined,
  });
  const { outcome } = await cluster.end();
  expect(outcome.reason).toBe('finished');
  // The first step tells whether threads reach each other.
  if (sharedMemory().available) expect(direct(cluster)).toEqual([[1], [1], [1]]);
  const { steps, damaged, conflicts } = (await readStepRecord(cluster.folder))!;
  expect([damaged, conflicts]).toEqual([[], []]);
  expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: numSteps }, (_, i) => i + 1));

  const { experiment: defined, config } = experiment;
  const dataset = await defined.data.load({ limitSamples: 950 });
  const programs = compilePrograms(defined, dataset, config, numSteps);
  const [{ members: first }] = steps as [(typeof steps)[number]];
  const ranges = first.flatMap(({ blocks }) => blocks.map(({ shards }) => shards));
  const options = { dataset, config, ranges, record: true, profile: bestProfile };
  const worker = createLocalWorker(options, programs);
  worker.initialize();
  for (const { step, members, form } of steps.slice(0, at)) {
    worker.runSegments(step);
    worker.update(step);
    const { blocks, results, replica } = worker.recorded();
    expect(members.flatMap((member) => member.blocks)).toEqual(blocks);
    for (const member of members) {
      expect(member.results).toEqual(results);
      const differing = form.replica.filter((_, i) => member.replica[i] !== replica[i]);
      expect([0, 1].includes(differing.length)).toBe(true);
      if (differing.length > 0) expect([step, differing]).toEqual([at, ['params/0/kernel']]);
    }
  }
  const wrong = steps[at - 1]!.members.filter(({ replica }) => replica[1] !== worker.recorded().replica[1]);
  expect(wrong).toHaveLength(1);
});
