/** Real compute threads and real lanes of several workers, in one process: they exchange whole steps by themselves. */
import type { WorkerOptions } from 'node:worker_threads';
import { sharedMemory } from '@lockstep/lanes';
import { resolveConfig, trainLocally } from '@lockstep/training';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Pool } from './compute/pool.ts';
import { type Cluster, startCluster } from './fixtures/cluster.ts';
import { small, wide } from './fixtures/experiments.ts';

// Threads load no TypeScript: these are the built ones, and they must not inherit the runner's way to find sources.
vi.mock('node:worker_threads', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:worker_threads')>();
  class Worker extends original.Worker {
    constructor(program: URL, options?: WorkerOptions) {
      super(program, { ...options, execArgv: [] });
    }
  }
  return { ...original, Worker };
});
const { createPool } = (await import('../dist/compute/pool.js')) as typeof import('./compute/pool.ts');
const { startCompute } = (await import('../dist/threads.js')) as typeof import('./threads.ts');

const overrides = { fingerprintEvery: 1 };
let expected: string;
beforeAll(async () => {
  const config = resolveConfig(small, overrides);
  expected = trainLocally({ experiment: small, dataset: await small.data.load(), config }).fingerprint;
});

function threadPool(numThreads: number): Pool {
  const pool = createPool(startCompute(numThreads));
  onTestFinished(() => pool.close());
  return pool;
}
const real = { experiment: small, overrides, createPool: threadPool };

const directGenerations = (cluster: Cluster, worker: number) =>
  cluster
    .log(worker)
    .flatMap(({ msg, generation }) => (msg === 'steps are exchanged directly' ? [generation] : []));

it('a single worker exchanges without its main thread', async () => {
  const cluster = startCluster({ ...real, workers: 1, threads: () => 2 });
  expect((await cluster.end()).outcome).toMatchObject({ fingerprint: expected });
  expect(directGenerations(cluster, 0)).toEqual([1]);
});

describe.skipIf(!sharedMemory().available)('several workers', () => {
  it.each([
    { workers: 2, threads: 1, hasLanes: true },
    { workers: 2, threads: 2, hasLanes: true },
    { workers: 3, threads: 1, hasLanes: false },
  ])(
    '$workers workers of $threads threads give the bits of one process (lanes of main threads: $hasLanes)',
    async (options) => {
      const cluster = startCluster({ ...real, ...options, threads: () => options.threads });
      expect((await cluster.end()).outcome).toMatchObject({ fingerprint: expected });
      for (let worker = 0; worker < options.workers; worker++) {
        expect(directGenerations(cluster, worker)).toEqual([1]);
      }
    },
  );

  it('buckets that leave before their segment ends give the same bits', async () => {
    const dataset = await wide.data.load();
    const { fingerprint } = trainLocally({ experiment: wide, dataset, config: resolveConfig(wide) });
    for (const threads of [1, 2]) {
      const options = { experiment: wide, workers: 2, threads: () => threads, createPool: threadPool };
      expect((await startCluster(options).end()).outcome).toMatchObject({ fingerprint });
    }
  });

  it('two workers stop waiting for a third that is killed, and go on in new memory', async () => {
    const cluster = startCluster({ ...real, overrides: { ...overrides, epochs: 60 }, workers: 3 });
    const config = resolveConfig(small, { ...overrides, epochs: 60 });
    const whole = trainLocally({ experiment: small, dataset: await small.data.load(), config });
    await cluster.next((effect) => effect.type === 'progress' && effect.step >= 8);
    cluster.kill(0);
    const { outcome, exits } = await cluster.end();
    expect(outcome).toMatchObject({ reason: 'finished', fingerprint: whole.fingerprint });
    expect(exits[0]).toBeUndefined();
    expect([directGenerations(cluster, 1), directGenerations(cluster, 2)]).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });
});
