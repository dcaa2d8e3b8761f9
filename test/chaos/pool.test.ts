/** Pools whose workers, or whose own process, are killed at random moments. See chaos.test.ts for seeds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startPool } from '@lockstep/coordinator';
import { foldIn, keyFromSeed, randomUint } from '@lockstep/rng';
import { createRun } from '@lockstep/tracking';
import { buildHash, version } from '@lockstep/worker';
import { pino } from 'pino';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../cluster/harness/cluster.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';
import { startWorker, type WorkerProcess } from '../cluster/harness/worker.ts';

const firstSeed = Number(process.env.LOCKSTEP_SEED ?? 1);
const seeds = (count: number): number[] => Array.from({ length: count }, (_, i) => firstSeed + i);

interface Trial {
  readonly name: string;
  readonly experiment: LoadedExperiment;
  /** Of an ordinary run. */
  readonly fingerprint: string;
}

let trials: readonly Trial[];
beforeAll(async () => {
  const kinds = [
    ['cnn', { limitSamples: 950, epochs: 4, checkpointEvery: 7 }],
    ['recurrent', { checkpointEvery: 5 }],
    ['cnn', { limitSamples: 950, epochs: 3, seed: 5 }],
    ['transformer', { checkpointEvery: 3 }],
    ['tiles', {}],
    ['cnn', { limitSamples: 950, epochs: 2, seed: 6 }],
  ] as const;
  trials = await Promise.all(
    kinds.map(async ([file, overrides], i) => {
      const experiment = await loadExperiment(file, overrides);
      return {
        ...{ name: `trial${i}`, experiment },
        fingerprint: (await trainInOneProcess(experiment)).fingerprint,
      };
    }),
  );
});

/** The random choices of one round. */
function choices(what: string, seed: number): (bound: number) => number {
  const key = foldIn(keyFromSeed(seed), what);
  let numChosen = 0;
  return (bound) => randomUint(key, numChosen++, bound);
}

function startWorkers(endpoint: string, count: number): readonly WorkerProcess[] {
  const workers = Array.from({ length: count }, (_, i) => startWorker({ endpoint, threads: 1 + (i % 2) }));
  onTestFinished(async () => {
    for (const worker of workers) worker.kill('SIGKILL');
    await Promise.all(workers.map(({ exited }) => exited));
  });
  return workers;
}

const ended = { code: 0, signal: null };

it.each(seeds(5))('one of three workers of a pool with six runs is killed (seed %i)', async (seed) => {
  const below = choices('pool', seed);
  const root = await temporaryFolder();
  const pool = await startPool({
    ...{ bind: 'tcp://127.0.0.1:0', version, build: buildHash(), logger: pino({ level: 'silent' }) },
  });
  onTestFinished(() => pool.close(0));
  const workers = startWorkers(pool.endpoint, 3);
  const killAfter = below(30);
  let numSteps = 0;
  const outcomes = await Promise.all(
    trials.map(async ({ name, experiment: { bundle, config } }) => {
      const run = await pool.train({
        run: await createRun({ root, name, manifest: { config }, durability: 'trial' }),
        ...{ experiment: { name, bundle }, config: { run: config, name }, numShards: config.numShards },
      });
      run.onUpdate(({ type }) => {
        if (type === 'progress' && numSteps++ === killAfter) workers[below(3)]!.kill('SIGKILL');
      });
      const outcome = await run.done;
      await run.close();
      return outcome;
    }),
  );
  expect(outcomes).toMatchObject(trials.map(({ fingerprint }) => ({ reason: 'finished', fingerprint })));
  await pool.close();
  const exits = await Promise.all(workers.map(({ exited }) => exited));
  expect(exits.filter(({ signal }) => signal === 'SIGKILL')).toHaveLength(1);
  expect(exits.filter(({ code }) => code === 0)).toEqual([ended, ended]);
});

const fixture = fileURLToPath(new URL('../cluster/fixtures/pool.mjs', import.meta.url));

/** A pool in a process of its own. */
function startPoolProcess(bind: string, root: string, experiments: string) {
  const child = spawn(process.execPath, [fixture, bind, root, experiments], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    /** The next event that is accepted; undefined if the process ends before. */
    async next(accept: (event: PoolLine) => boolean): Promise<PoolLine | undefined> {
      for (let line = await lines.next(); !line.done; line = await lines.next()) {
        const event = JSON.parse(line.value) as PoolLine;
        if (accept(event)) return event;
      }
      return undefined;
    },
  };
}

type PoolLine = Readonly<Record<string, unknown>> & { readonly event: string };

it.each(seeds(3))(
  'a pool is killed twice, and started again where its workers look for it (seed %i)',
  async (seed) => {
    const below = choices('pool process', seed);
    const root = await temporaryFolder();
    const experiments = JSON.stringify(
      await Promise.all(
        trials.map(async ({ name, experiment }) => {
          const bundle = join(await temporaryFolder(), `${name}.mjs`);
          await writeFile(bundle, experiment.bundle);
          return { name, bundle, config: experiment.config };
        }),
      ),
    );
    const results = new Map<string, unknown>();
    const note = (event: PoolLine): void => {
      if (event.event === 'ended') results.set(`${event.name}`, event.outcome);
    };
    let pool = startPoolProcess('tcp://127.0.0.1:0', root, experiments);
    const { endpoint } = (await pool.next(({ event }) => event === 'started'))!;
    const workers = startWorkers(`${endpoint}`, 2);
    for (let round = 0; round < 2; round++) {
      let numSteps = 10 + below(30);
      await pool.next((event) => {
        note(event);
        return event.event === 'step' && numSteps-- === 0;
      });
      await setTimeout(below(40));
      await pool.kill();
      pool = startPoolProcess(`${endpoint}`, root, experiments);
    }
    await pool.next((event) => {
      note(event);
      return false;
    });
    expect(trials.map(({ name }) => results.get(name))).toMatchObject(
      trials.map(({ fingerprint }) => ({ reason: 'finished', fingerprint })),
    );
    expect(await Promise.all(workers.map(({ exited }) => exited))).toEqual([ended, ended]);
  },
);
