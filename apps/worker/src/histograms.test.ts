/** The histograms that whole workers report: those of one process, whoever computes what. */
import { compilePrograms, createLocalWorker, resolveConfig, type UpdateHistograms } from '@lockstep/training';
import { beforeAll, expect, it } from 'vitest';
import { type ClusterOptions, startCluster } from './fixtures/cluster.ts';
import type { Disk } from './fixtures/coordinator.ts';
import { small } from './fixtures/experiments.ts';

const overrides = { fingerprintEvery: 2, checkpointEvery: 3, steps: 5 };
/** The last step has a fingerprint too. */
const steps = [2, 4, 5];

/** Of one process, by step. */
let expected: ReadonlyMap<number, UpdateHistograms>;
beforeAll(async () => {
  const config = resolveConfig(small, overrides);
  const dataset = await small.data.load();
  const worker = createLocalWorker({ dataset, config }, compilePrograms(small, dataset, config, 5));
  worker.initialize();
  const found = new Map<number, UpdateHistograms>();
  for (let step = 1; step <= overrides.steps; step++) {
    worker.runSegments(step);
    found.set(step, worker.update(step, { histograms: true }).histograms!);
  }
  expected = found;
});

const start = (options: Partial<ClusterOptions>) =>
  startCluster({ experiment: small, overrides, workers: 1, histograms: true, ...options });

/** What the coordinator writes: those of the first report of each step. */
function histogramsIn({ reports }: Disk): Map<number, unknown> {
  const found = new Map<number, unknown>();
  for (const { step, report } of reports) {
    if (report.histograms !== undefined && !found.has(step)) found.set(step, report.histograms);
  }
  return found;
}

const wanted = () => new Map(steps.map((step) => [step, expected.get(step)]));

it.each([
  { workers: 1, threads: 2, isReachable: true },
  { workers: 3, threads: 1, isReachable: true },
  { workers: 2, threads: 2, isReachable: false },
])('$workers workers of $threads threads report those of one process', async (shape) => {
  const { workers, threads, isReachable } = shape;
  const { disk, end } = start({ workers, threads: () => threads, isReachable: () => isReachable });
  expect((await end()).outcome.reason).toBe('finished');
  // Each member has them, so that the loss of one loses none.
  for (const { step, report } of disk.reports) {
    expect(report.histograms).toEqual(steps.includes(step) ? expected.get(step) : undefined);
  }
  expect(histogramsIn(disk)).toEqual(wanted());
});

it.each([0, 1])('the loss of rank %i and a join lose none', async (lost) => {
  const cluster = start({
    workers: 2,
    onFrame: (worker, frame, { kill }) => {
      if (worker === lost && frame === 20) kill(worker);
    },
  });
  await cluster.next((effect) => effect.type === 'journal' && effect.entry.type === 'generation');
  cluster.add();
  expect((await cluster.end()).outcome.reason).toBe('finished');
  expect(histogramsIn(cluster.disk)).toEqual(wanted());
});

it('a run that is interrupted and resumed has the same ones', async () => {
  const first = start({ workers: 2 });
  await first.next((effect) => effect.type === 'progress' && effect.step === 3);
  first.interrupt();
  expect((await first.end()).outcome.reason).toBe('interrupted');
  const second = start({ workers: 3, disk: first.disk });
  expect((await second.end()).outcome.reason).toBe('finished');
  expect(histogramsIn(second.disk)).toEqual(wanted());
});

it('they change no hash, and no report has them without being asked for', async () => {
  // The chain is of all fingerprints and hashes of the state.
  const hashesOf = ({ reports }: Disk) => reports.map(({ step, report }) => [step, report.chain]);
  const [counted, plain] = [start({}), start({ histograms: false })];
  await Promise.all([counted.end(), plain.end()]);
  expect(hashesOf(counted.disk)).toEqual(hashesOf(plain.disk));
  expect(histogramsIn(plain.disk).size).toBe(0);
});
