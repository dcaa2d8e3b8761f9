/** The chain of a run is that of one process, whoever computes, and an optimizer state that differs is found. */
import { createHash } from 'node:crypto';
import { extendChain, viewer } from '@lockstep/run';
import { compilePrograms, resolveConfig, trainLocally } from '@lockstep/training';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Pool } from './compute/pool.ts';
import { type Cluster, type ClusterOptions, startCluster } from './fixtures/cluster.ts';
import { small } from './fixtures/experiments.ts';
import { createInThreadPool } from './fixtures/in-thread-pool.ts';

const totalSteps = 6;
const overrides = { fingerprintEvery: 3, checkpointEvery: 2, steps: totalSteps };

/** By step; the empty chain of the seed is the first. */
let expected: readonly string[];
const hashes: Awaited<ReturnType<typeof hashesAfter>>[] = [];
beforeAll(async () => {
  const chains = [''];
  for (let step = 1; step <= totalSteps; step++) {
    let chain = chains[step - 1]!;
    const isLast = step === totalSteps;
    const { fingerprint, stateHash } = await hashesAfter(step);
    hashes[step] = { fingerprint, stateHash };
    if (step % overrides.fingerprintEvery === 0 || isLast) chain = extendChain(chain, step, fingerprint);
    if (step % overrides.checkpointEvery === 0 || isLast) chain = extendChain(chain, step, stateHash);
    chains.push(chain);
  }
  expected = chains;
});

/** In one process, by the definition: names, types and shapes as JSON, each followed by its bytes. */
async function hashesAfter(steps: number) {
  const config = resolveConfig(small, { ...overrides, steps });
  const dataset = await small.data.load();
  const { variables, arrays, optState, fingerprint } = trainLocally({ experiment: small, dataset, config });
  const ofOptimizer = compilePrograms(small, dataset, config, totalSteps).optState;
  const hash = createHash('sha256');
  const all = [...arrays, ...ofOptimizer.map(({ name }) => optState[name]!)];
  for (const [i, { name, dtype, shape }] of [...variables, ...ofOptimizer].entries()) {
    hash.update(JSON.stringify([name, dtype, shape])).update(Buffer.from(all[i]!.buffer));
  }
  return { fingerprint, stateHash: hash.digest('hex') };
}

function expectChain({ disk }: Cluster): void {
  expect(disk.reports.length).toBeGreaterThanOrEqual(totalSteps);
  for (const { worker, step, report } of disk.reports) {
    expect(report.chain, `${worker}, step ${step}`).toBe(expected[step]);
  }
}

const start = (options: Partial<ClusterOptions>): Cluster =>
  startCluster({ experiment: small, overrides, workers: 1, ...options });

describe('the chain', () => {
  it.each([1, 3])('of %i workers is that of one process at every step', async (workers) => {
    const cluster = start({ workers });
    const { outcome } = await cluster.end();
    expect(outcome).toMatchObject({ reason: 'finished', result: { chain: expected[totalSteps] } });
    expectChain(cluster);
  });

  it('goes on after a loss and a join', async () => {
    const cluster = start({
      workers: 2,
      onFrame: (worker, frame, { kill }) => {
        if (worker === 1 && frame === 20) kill(worker);
      },
    });
    await cluster.next((effect) => effect.type === 'journal' && effect.entry.type === 'generation');
    cluster.add();
    await cluster.end();
    expectChain(cluster);
  });

  it.each([2, 3])(
    'does not change with an interrupt, whose checkpoint the schedule lacks: step %i',
    async (at) => {
      const first = start({ workers: 2 });
      await first.next((effect) => effect.type === 'progress' && effect.step === at);
      first.interrupt();
      expect((await first.end()).outcome).toMatchObject({ reason: 'interrupted' });
      const second = start({ workers: 3, disk: first.disk });
      await second.end();
      expectChain(second);
    },
  );

  it('is in every checkpoint, with the hash of its state', async () => {
    const cluster = start({ workers: 2 });
    await cluster.end();
    for (const [step, { header }] of cluster.disk.checkpoints) {
      expect(header).toMatchObject({ ...hashes[step], progress: { chain: expected[step] } });
    }
    expect([...cluster.disk.checkpoints.keys()]).toEqual([2, 4, 6]);
  });
});

/** A pool that changes the last array of the optimizer's state after the update of a step. */
function corruptAfter(step: number, pool: Pool): Pool {
  let last = (_copy: 0 | 1): Float32Array => new Float32Array(0);
  return {
    ...pool,
    reachesAll: false,
    configure(configuration, numActive) {
      const { layout, memory } = configuration;
      last = (copy) =>
        viewer(memory.buffer as SharedArrayBuffer)(layout.replica[copy].at(-1)!) as Float32Array;
      return pool.configure(configuration, numActive);
    },
    async runUpdate(job) {
      const ran = await pool.runUpdate(job);
      if (job.step === step) last(job.copy ?? 0)[0]! += 1;
      return ran;
    },
  };
}

/** A run of three workers, one of which has a wrong optimizer state from step 4 on. */
function corrupted(options: Partial<ClusterOptions> = {}): Cluster {
  let numPools = 0;
  const createPool = (numThreads: number): Pool => {
    const worker = numPools++;
    const pool = createInThreadPool({ worker: `w${worker}`, numThreads });
    return worker === 1 ? corruptAfter(4, pool) : pool;
  };
  return start({
    workers: 3,
    overrides: { fingerprintEvery: 2, checkpointEvery: 2, steps: 6 },
    createPool,
    ...options,
  });
}

it('a worker whose optimizer state alone differs is named at the next step with a checkpoint', async () => {
  const { outcome } = await corrupted().end();
  expect(outcome).toMatchObject({
    reason: 'failed',
    error: {
      facts: { step: 4, of: 'stateHash' },
      message: expect.stringContaining('the fingerprints agree, so the state of the optimizer differs'),
    },
  });
});

// In these orders the checkpoint comes before the hash that differs.
it.each([2, 3])(
  'nobody can go on from the checkpoint of a step at which members differ: order %i',
  async (seed) => {
    const first = corrupted({ seed });
    expect((await first.end()).outcome.reason).toBe('failed');
    expect([...first.disk.checkpoints.keys()]).toEqual([2]);
    const second = start({
      disk: first.disk,
      overrides: { fingerprintEvery: 2, checkpointEvery: 2, steps: 6 },
    });
    expect((await second.end()).outcome.reason).toBe('finished');
    expect(second.disk.checkpoints.get(6)!.header).toMatchObject(hashes[6]!);
  },
);
