/**
 * Jobs on a real Slurm cluster: what is queued again goes on, on other numbers of nodes, and all bytes are those of a run on this machine
 * without Slurm.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { root } from '../cluster/harness/command.ts';
import { type Job, slurm, submit, type Watched, watchRun, whyNoSlurm } from './slurm.ts';

const reason = whyNoSlurm();
const title = reason === undefined ? 'Slurm' : `Slurm (skipped: ${reason})`;

const experiment = ['test/slurm/steady.ts', '--fingerprint-every', '10'];
/** More steps than a test has time for. */
const endless = [...experiment, '--steps', '100000', '--checkpoint-every', '50'];
const numKnown = 400;

/** The fingerprints of the first steps, by step, of a run without Slurm. */
async function trainHere(): Promise<ReadonlyMap<number, string>> {
  const runRoot = await mkdtemp(join(tmpdir(), 'lockstep-slurm-'));
  const launcher = join(root, 'apps/cli/bin/lockstep.mjs');
  const args = ['train', ...experiment, '--steps', `${numKnown}`, '--run-root', runRoot, '--json'];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [launcher, ...args], { cwd: root });
    const { run } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as { readonly run: string };
    return await watchRun(run).fingerprints();
  } finally {
    await rm(runRoot, { recursive: true });
  }
}

interface Started {
  readonly job: Job;
  readonly watched: Watched;
  readonly runFolder: string;
  readonly folder: string;
}

async function start(options: readonly string[], args: readonly string[]): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-slurm-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const job = await submit('run.sbatch', options, [...args, '--run-root', join(folder, 'runs')], folder);
  const runFolder = join(folder, 'runs', `slurm-${job.id}`);
  return { job, watched: watchRun(runFolder), runFolder, folder };
}

describe.skipIf(reason !== undefined)(title, { timeout: 240_000 }, () => {
  let known: ReadonlyMap<number, string>;
  beforeAll(async () => {
    known = await trainHere();
    expect(known.size).toBe(numKnown / 10);
  }, 240_000);

  /** Waits for steps after this one, and expects the bytes of the run without Slurm in all of them. */
  async function expectSameUntil(step: number, watched: Watched): Promise<void> {
    const until = 10 * Math.ceil((step + 10) / 10);
    expect(until).toBeLessThanOrEqual(numKnown);
    await watched.reached(until);
    const found = [...(await watched.fingerprints())].filter(([at]) => at <= until);
    expect(found).toEqual([...known].filter(([at]) => at <= until));
  }

  /** A job that was queued again goes on after the step that was saved. */
  async function expectToGoOn({ job, watched }: Started, numNodes: number): Promise<void> {
    await job.reached('PENDING 1');
    const saved = await watched.savedStep();
    expect(saved).toBeGreaterThan(0);
    await job.startAgain(numNodes);
    await watched.reachedWorkers(numNodes);
    await expectSameUntil(saved, watched);
    expect(await job.state()).toBe('RUNNING 1');
  }

  it('a job trains to the bytes of a run on this machine', async () => {
    const { job, watched } = await start(
      ['--nodes=2'],
      [...experiment, '--steps', '40', '--workers-expected', '2'],
    );
    await job.reached('COMPLETED 0');
    await expectSameUntil(30, watched);
    expect(await watched.workers()).toEqual([2]);
  });

  it('workers of a second job join and leave, and cancelling a job saves its run', async () => {
    const { job, watched, folder, runFolder } = await start(['--nodes=1'], endless);
    await watched.reached(10);
    const second = await submit('workers.sbatch', ['--array=0-1'], [runFolder], folder);
    await watched.reachedWorkers(3);
    await slurm(['scancel', second.id]);
    await watched.reachedWorkers(1);
    await expectSameUntil(await watched.lastStep(), watched);
    await slurm(['scancel', job.id]);
    await job.reached('CANCELLED 0');
    expect(await watched.savedStep()).toBe(await watched.lastStep());
  });

  it('a job that is queued again goes on, on another number of nodes', async () => {
    const started = await start(['--nodes=1'], endless);
    await started.watched.reached(20);
    await slurm(['scontrol', 'requeue', started.job.id]);
    await expectToGoOn(started, 2);
  });

  it('a job whose first node fails goes on from its newest checkpoint', async () => {
    const started = await start(['--nodes=2', '--nodelist=n[1-2]'], endless);
    await started.watched.reached(60);
    await slurm(['scontrol', 'update', 'nodename=n1', 'state=down', 'reason=test']);
    await expectToGoOn(started, 2);
  });

  it('a job is saved before its time limit, and goes on', async () => {
    const started = await start(['--nodes=1', '--time=1', '--signal=USR2@20'], endless);
    await expectToGoOn(started, 2);
  });
});
