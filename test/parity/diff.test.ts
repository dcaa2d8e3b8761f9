/** One wrong bit of one of four worker processes is found by one process, whichever way its steps were exchanged. */
import type { ShardRange } from '@lockstep/collectives';
import { sharedMemory } from '@lockstep/lanes';
import { readLog, readStepRecord } from '@lockstep/tracking';
import type { PlantedFault } from '@lockstep/training';
import { expect, it, vi } from 'vitest';
import { type Cluster, startCluster } from '../cluster/harness/cluster.ts';
import { type JsonEvent, startCommand } from '../cluster/harness/command.ts';
import { loadExperiment } from '../cluster/harness/experiment.ts';
import { direct, noSharedMemory } from '../cluster/harness/lanes.ts';

vi.setConfig({ testTimeout: 180_000 });

const steps = 7;
const faulty = 2;

async function trainWith(planted: PlantedFault, shards: number, isDirect: boolean): Promise<Cluster> {
  const experiment = await loadExperiment('cnn', { limitSamples: 950, steps, shards });
  const cluster = await startCluster({
    ...{ experiment, workers: 4, record: 'full', compares: false, logLevel: 'info' },
    faults: (worker) => (worker === faulty ? { planted } : undefined),
    // Without shared memory the main threads exchange.
    ...(!isDirect && { env: () => noSharedMemory }),
  });
  expect((await cluster.end()).outcome.reason).toBe('finished');
  return cluster;
}

/** The id of the worker at fault. */
async function faultyId({ folder, workers }: Cluster): Promise<unknown> {
  const { records } = await readLog(folder, 'events');
  return records.find(({ type, pid }) => type === 'joined' && pid === workers[faulty]!.pid)?.worker;
}

async function ended(...argv: string[]): Promise<{ code: number | null; last: JsonEvent }> {
  const command = startCommand([...argv, '--json']);
  const last = await command.event('difference');
  return { code: await command.exited, last };
}

const element = { variable: 'params/6/kernel', element: 3 };
const faults: Readonly<Record<PlantedFault['part'], readonly [PlantedFault, object]>> = {
  partial: [
    { step: 5, part: 'partial', ...element },
    { part: 'partial', variable: 'params/6/kernel', cause: 'worker' },
  ],
  replica: [
    { step: 4, part: 'replica', ...element },
    { part: 'replica', variable: 'params/6/kernel', shards: null, cause: 'worker' },
  ],
  batch: [
    { step: 6, part: 'batch', variable: 'x', element: 9 },
    { part: 'columns', variable: 'columns', cause: 'batch' },
  ],
};

/** Which shards a worker has depends on the order in which workers load, so a difference may or may not survive the sum. */
it.each([
  ['partial', 8, 'direct steps'],
  ['partial', 4, 'direct steps'],
  ['partial', 8, 'the main thread'],
  ['replica', 8, 'direct steps'],
  ['replica', 4, 'the main thread'],
  ['batch', 4, 'direct steps'],
  ['batch', 8, 'the main thread'],
] as const)('a wrong bit in a %s of one of four workers, %i shards, by %s', async (part, shards, way) => {
  const [fault, expected] = faults[part];
  const isDirect = way === 'direct steps';
  const cluster = await trainWith(fault, shards, isDirect);
  if (isDirect && sharedMemory().available) expect(direct(cluster)).toEqual([[1], [1], [1], [1]]);
  const { code, last } = await ended('diff', cluster.folder);
  expect(code).toBe(7);
  expect(last).toMatchObject({ step: fault.step, ...expected });
  expect(last.worker).toBe(await faultyId(cluster));
  const found = last.shards as ShardRange | null;
  if (found === null) return;
  const { steps: recorded } = (await readStepRecord(cluster.folder))!;
  const member = recorded[0]!.members.find(({ worker }) => worker === last.worker)!;
  expect(member.blocks.map((block) => block.shards)).toContainEqual(found);
});
