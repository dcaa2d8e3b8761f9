/** On a real engine, the image and docker-compose.yml give the bytes of a run without containers and refuse strangers. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type Cluster,
  kill,
  type RunEvent,
  root,
  runStranger,
  startCluster,
  whyNoEngine,
} from './cluster.ts';

// 1,000 samples in batches of 256: the last batch of an epoch is short.
const run = ['--limit-samples', '1000', '--epochs', '4', '--profile', 'portable', '--fingerprint-every', '1'];

const reason = await whyNoEngine();
if (reason !== undefined) process.stderr.write(`skipped the tests of containers: ${reason}\n`);

/** The last event of the same run in one worker process of this machine, without containers. */
async function trainHere(): Promise<RunEvent> {
  const runRoot = await mkdtemp(join(tmpdir(), 'lockstep-containers-'));
  const launcher = join(root, 'apps/cli/bin/lockstep.mjs');
  const args = [launcher, 'train', 'experiments/mnist-cnn.ts', ...run, '--json', '--run-root', runRoot];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
    return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as RunEvent;
  } finally {
    await rm(runRoot, { recursive: true });
  }
}

/** The number of workers of each generation. */
function memberCounts(events: readonly RunEvent[]): number[] {
  const generations = events.filter(({ event }) => event === 'generation');
  return generations.map(({ workers }) => (workers as readonly string[]).length);
}

describe.skipIf(reason !== undefined)('containers', { timeout: 600_000 }, () => {
  const clusters: Cluster[] = [];
  let here: RunEvent;

  async function start(numWorkers: number): Promise<Cluster> {
    const cluster = await startCluster(numWorkers, run);
    clusters.push(cluster);
    return cluster;
  }

  beforeAll(async () => {
    here = await trainHere();
    expect(here).toMatchObject({ event: 'done', steps: 16 });
  }, 120_000);

  afterEach(async () => {
    await Promise.all(clusters.splice(0).map((cluster) => cluster.remove()));
  }, 60_000);

  it('three workers train to the bytes of a run without containers', async () => {
    const cluster = await start(3);
    const events = await cluster.events();
    expect(memberCounts(events)).toEqual([3]);
    expect(events.at(-1)).toMatchObject({
      event: 'done',
      fingerprint: here.fingerprint,
      metrics: here.metrics,
    });
    expect(await cluster.coordinatorExitCode()).toBe(0);
    // Scaling starts an exited container again; it reports how its run ended and starts no other run.
    const ends = (await cluster.startCoordinatorAgain())
      .split('\n')
      .filter((line) => line.includes('"done"'));
    expect(ends.map((line) => (JSON.parse(line) as RunEvent).run)).toEqual([
      events.at(-1)!.run,
      events.at(-1)!.run,
    ]);
    expect(await cluster.coordinatorExitCode()).toBe(0);
  });

  it('a worker killed in mid-run changes no byte', async () => {
    const cluster = await start(3);
    const events = await cluster.events(async ({ event, step }) => {
      if (event === 'step' && step === 3) await kill(cluster.workers[1]!);
    });
    expect(events.filter(({ event }) => event === 'lost')).toHaveLength(1);
    expect(memberCounts(events)).toEqual([3, 2]);
    expect(events.at(-1)).toMatchObject({ event: 'done', steps: 16, fingerprint: here.fingerprint });
  });

  it('nobody joins without the keys of the cluster', async () => {
    const cluster = await start(0);
    const join = 'lockstep worker --join coordinator:7070';
    const [without, other] = await Promise.all([
      // Listening on loopback needs no keys, so the coordinator refuses the worker.
      runStranger(cluster.network, `${join} --bind tcp://127.0.0.1:0`),
      runStranger(cluster.network, `lockstep keys --out /tmp/keys >/dev/null && ${join} --keys /tmp/keys`),
    ]);
    expect(without.output).toContain('reachable from other machines, and there are no keys');
    expect(other.output).toContain('give both sides the same `lockstep keys` folder');
    expect([without.exitCode, other.exitCode]).toEqual([3, 3]);
    await cluster.stopCoordinator();
    const names = (await cluster.events()).map(({ event }) => event);
    expect(names).toContain('turnedAway');
    expect(names).not.toContain('joined');
  });
});
