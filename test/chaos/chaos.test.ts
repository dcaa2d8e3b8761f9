/**
 * Crashes at random moments. Each round prints its seed; `LOCKSTEP_SEED=n` changes the first one. The moment of a fault
 * also depends on the machine, so a failed round may need several runs to fail again.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { foldIn, type Key, keyFromSeed, randomUint } from '@lockstep/rng';
import { beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import {
  type Cluster,
  type ClusterEnd,
  committed,
  fingerprintOf,
  happened,
  startCluster,
  temporaryFolder,
} from '../cluster/harness/cluster.ts';
import { type Command, startCommand } from '../cluster/harness/command.ts';
import { type LoadedExperiment, loadExperiment, trainInOneProcess } from '../cluster/harness/experiment.ts';

const numSteps = 200;
const maxWaitMs = 40;
const firstSeed = Number(process.env.LOCKSTEP_SEED ?? 1);
const seeds = (count: number): number[] => Array.from({ length: count }, (_, i) => firstSeed + i);

let experiment: LoadedExperiment;
let expected: string;
beforeAll(async () => {
  experiment = await loadExperiment('cnn', {
    limitSamples: 950,
    epochs: numSteps / 10,
    fingerprintEvery: 1,
    checkpointEvery: 7,
  });
  expected = (await trainInOneProcess(experiment)).fingerprint;
});

/** The random choices of one round. */
function choices(what: string, seed: number) {
  const key: Key = foldIn(keyFromSeed(seed), what);
  let numChosen = 0;
  const below = (bound: number): number => randomUint(key, numChosen++, bound);
  return {
    below,
    /** `numVictims` different workers of `count`. */
    victims(numVictims: number, count: number): number[] {
      const left = Array.from({ length: count }, (_, i) => i);
      return Array.from({ length: numVictims }, () => left.splice(below(left.length), 1)[0]!);
    },
    /** Waits for a random moment of the run, at a random point of a step. */
    async moment(cluster: Cluster): Promise<void> {
      await cluster.next(committed(1 + below(numSteps / 2)));
      await setTimeout(below(maxWaitMs));
    },
  };
}

/** Expects that `numKilled` workers were killed, and that the result is that of an undisturbed run. */
function expectRecovered(end: ClusterEnd, numKilled: number): void {
  expect(fingerprintOf(end)).toBe(expected);
  expect(end.exits.filter(({ signal }) => signal === 'SIGKILL')).toHaveLength(numKilled);
}

it.each(seeds(20))('one of three is killed (seed %i)', async (seed) => {
  const { victims, moment } = choices('one', seed);
  const cluster = await startCluster({ experiment, workers: 3 });
  await moment(cluster);
  const [victim] = victims(1, 3);
  cluster.workers[victim!]!.kill('SIGKILL');
  expectRecovered(await cluster.end(), 1);
});

it.each(seeds(5))('two of four are killed at once (seed %i)', async (seed) => {
  const { victims, moment } = choices('two', seed);
  const cluster = await startCluster({ experiment, workers: 4 });
  await moment(cluster);
  for (const victim of victims(2, 4)) cluster.workers[victim]!.kill('SIGKILL');
  expectRecovered(await cluster.end(), 2);
});

it.each(seeds(5))('a second is killed while the others agree on a generation (seed %i)', async (seed) => {
  const { below, victims, moment } = choices('again', seed);
  const cluster = await startCluster({ experiment, workers: 4 });
  await moment(cluster);
  const [first, second] = victims(2, 4);
  const lost = cluster.next(happened('lost'));
  cluster.workers[first!]!.kill('SIGKILL');
  await lost;
  await setTimeout(below(10));
  cluster.workers[second!]!.kill('SIGKILL');
  expectRecovered(await cluster.end(), 2);
});

it.each(seeds(5))('one joins and one is killed (seed %i)', async (seed) => {
  const { below, victims, moment } = choices('join', seed);
  const cluster = await startCluster({ experiment, workers: 3 });
  await moment(cluster);
  const joined = cluster.next(happened('joined'));
  cluster.addWorker();
  await joined;
  await setTimeout(below(500));
  const [victim] = victims(1, 4);
  cluster.workers[victim!]!.kill('SIGKILL');
  expectRecovered(await cluster.end(), 1);
});

it.each(seeds(3))('all are killed, and others join (seed %i)', async (seed) => {
  const { moment } = choices('all', seed);
  const cluster = await startCluster({ experiment, workers: 3 });
  await moment(cluster);
  for (const worker of cluster.workers) worker.kill('SIGKILL');
  await Promise.all(cluster.workers.map(({ exited }) => exited));
  for (let i = 0; i < 2; i++) cluster.addWorker();
  expectRecovered(await cluster.end(), 3);
});

it.each(seeds(3))('one is suspended, lost, and returns (seed %i)', async (seed) => {
  const { victims, moment } = choices('silence', seed);
  const [victim] = victims(1, 3);
  const cluster = await startCluster({ experiment, workers: 3 });
  await moment(cluster);
  const lost = cluster.next(happened('lost'));
  cluster.workers[victim!]!.kill('SIGSTOP');
  await lost;
  cluster.workers[victim!]!.kill('SIGCONT');
  const end = await cluster.end();
  expect(fingerprintOf(end)).toBe(expected);
  expect(end.exits).toEqual(Array(3).fill({ code: 0, signal: null }));
});

it.each(seeds(5))('the coordinator is killed and restarted (seed %i)', async (seed) => {
  const { moment } = choices('coordinator', seed);
  const first = await startCluster({ experiment, workers: 3 });
  await moment(first);
  await first.abandon();
  const second = await startCluster({
    experiment,
    workers: 0,
    returning: first.workers,
    resume: first.folder,
    bind: first.endpoint,
  });
  expect(fingerprintOf(await second.end())).toBe(expected);
});

it.each(seeds(5))('one is killed, the run is interrupted, and others resume it (seed %i)', async (seed) => {
  const { below, victims, moment } = choices('resume', seed);
  const first = await startCluster({ experiment, workers: 3 });
  await moment(first);
  const [victim] = victims(1, 3);
  first.workers[victim!]!.kill('SIGKILL');
  await setTimeout(below(maxWaitMs));
  first.interrupt();
  expect((await first.end()).outcome).toMatchObject({ reason: 'interrupted' });
  const second = await startCluster({ experiment, workers: 1 + below(5), resume: first.folder });
  expect(fingerprintOf(await second.end())).toBe(expected);
});

/** Mounts a small file system at `folder`; undefined if this process may not. */
function smallDisk(folder: string): { fill(): void; free(): void } | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', [folder]));
  const filler = join(folder, 'filler');
  return {
    fill: () => {
      const file = openSync(filler, 'w');
      try {
        for (;;) writeSync(file, new Uint8Array(4096));
      } catch (error) {
        expect(error).toHaveProperty('code', 'ENOSPC');
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler),
  };
}

it('a disk that is full for a while costs checkpoints and log lines, but no steps', async ({ skip }) => {
  const folder = await temporaryFolder();
  const disk = smallDisk(folder);
  if (disk === undefined) return skip('a small file system can be mounted by root only');
  const limits = ['--epochs', `${numSteps / 10}`, '--limit-samples', '950', '--fingerprint-every', '1'];
  const file = 'test/cluster/experiments/cnn.ts';
  const command = startCommand([
    ...['train', file, '--workers', '2', ...limits, '--checkpoint-every', '5'],
    ...['--run-root', folder, '--json'],
  ]);
  await command.event('checkpoint');
  disk.fill();
  expect(await command.event('checkpointFailed')).toMatchObject({ errno: 'ENOSPC' });
  disk.free();
  const { run } = await command.event('started');
  expect(await command.event('done')).toMatchObject({ fingerprint: expected });
  expect(await command.exited).toBe(0);
  const left = readdirSync(join(`${run}`, 'checkpoints')).sort();
  expect(left.at(-1)).toBe(`step-00000${numSteps}.safetensors`);
  expect(left.filter((name) => name.startsWith('.'))).toEqual([]);
});

/** The events of a command with local workers while it starts, in order. */
const startPhases = ['started', 'joined', 'loaded', 'generation', 'step'] as const;

/** The living workers of a command. Its other child is a compiler, which checks types. */
function workersOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((child) => child !== '' && isWorker(child))
    .map(Number);
}

function isWorker(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes('--managed');
  } catch (error) {
    // The process has ended since it was listed.
    expect(error).toHaveProperty('code', expect.stringMatching(/^(ENOENT|ESRCH)$/));
    return false;
  }
}

async function killAtStart(
  command: Command,
  phase: (typeof startPhases)[number],
  victim: number,
): Promise<void> {
  const isEach = phase === 'joined' || phase === 'loaded';
  await command.event(phase, isEach ? victim + 1 : 1);
  // The command starts its workers right after the event `started`.
  const alive = await vi.waitFor(() => {
    const found = workersOf(command.pid);
    expect(found.length).toBeGreaterThan(0);
    return found;
  });
  process.kill(alive[victim % alive.length]!, 'SIGKILL');
}

it.each(seeds(20))('local workers are killed while the run starts (seed %i)', async (seed) => {
  const { below } = choices('start', seed);
  const folder = await temporaryFolder();
  const limits = ['--epochs', `${numSteps / 10}`, '--limit-samples', '950', '--fingerprint-every', '1'];
  const file = 'test/cluster/experiments/cnn.ts';
  const workers = 1 + below(3);
  const command = startCommand([
    'train',
    file,
    '--workers',
    `${workers}`,
    ...limits,
    '--run-root',
    folder,
    '--json',
  ]);
  // Five consecutive seeds cover all phases.
  await killAtStart(command, startPhases[seed % startPhases.length]!, below(workers));
  await command.event('workerRestarting');
  // In every other round, the replacement is killed as well.
  if (seed % 2 === 0) {
    await killAtStart(command, 'started', below(workers));
    await command.event('workerRestarting', 2);
  }
  expect(await command.event('done')).toMatchObject({ fingerprint: expected });
  expect(await command.exited).toBe(0);
});
