/**
 * Jobs on a real Slurm cluster: what is queued again goes on, on other numbers of nodes, and all bytes are those of a run on this machine
 * without Slurm.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { root } from '../cluster/harness/command.ts';
import { failNode, type Job, slurm, submit, type Watched, watchRun, whyNoSlurm } from './slurm.ts';

const reason = whyNoSlurm();
const title = reason === undefined ? 'Slurm' : `Slurm (skipped: ${reason})`;

const experiment = ['test/slurm/steady.ts', '--fingerprint-every', '10'];
/** More steps than a test has time for. */
const endless = [...experiment, '--steps', '100000', '--checkpoint-every', '50'];

/** Fingerprints by step, of a run of so many steps on this machine, without Slurm. */
async function trainHere(steps: number): Promise<ReadonlyMap<number, string>> {
  const runRoot = await mkdtemp(join(tmpdir(), 'lockstep-slurm-'));
  const launcher = join(root, 'apps/cli/bin/lockstep.mjs');
  const args = ['train', ...experiment, '--steps', `${steps}`, '--run-root', runRoot, '--json'];
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
  let known: ReadonlyMap<number, string> = new Map();

  /** Waits for steps after this one, and expects the bytes of the run without Slurm in all of them. */
  async function expectSameAfter(step: number, watched: Watched): Promise<void> {
    const until = 10 * Math.ceil((step + 10) / 10);
    await watched.reached(until);
    if (!known.has(until)) known = await trainHere(until);
    const upTo = (fingerprints: ReadonlyMap<number, string>) =>
      [...fingerprints].filter(([at]) => at <= until);
    expect(upTo(await watched.fingerprints())).toEqual(upTo(known));
  }

  /** A job that was queued again goes on after the step that was saved. */
  async function expectToGoOn({ job, watched }: Started, numNodes: number): Promise<void> {
    await job.reached('PENDING 1');
    const saved = await watched.savedStep();
    expect(saved).toBeGreaterThan(0);
    await job.startAgain(numNodes);
    await watched.reachedWorkers(numNodes);
    await expectSameAfter(saved, watched);
    expect(await job.state()).toBe('RUNNING 1');
  }

  // The longest test comes first: the steps that it compares are enough for the others.
  it('a job is saved before its time limit, and goes on', async () => {
    const started = await start(['--nodes=1', '--time=30', '--signal=USR2@30'], endless);
    await started.watched.reached(20);
    // Slurm looks at time limits every half minute.
    await slurm(['scontrol', 'update', `jobid=${started.job.id}`, 'timelimit=1']);
    await expectToGoOn(started, 2);
  });

  it('a job trains to the bytes of a run on this machine', async () => {
    const { job, watched } = await start(
      ['--nodes=2'],
      [...experiment, '--steps', '40', '--workers-expected', '2'],
    );
    await job.reached('COMPLETED 0');
    await expectSameAfter(30, watched);
    expect(await watched.workers()).toEqual([2]);
  });

  it('workers of a second job join and leave, and cancelling a job saves its run', async () => {
    const { job, watched, folder, runFolder } = await start(['--nodes=1'], endless);
    await watched.reached(10);
    const second = await submit('workers.sbatch', ['--array=0-1'], [runFolder], folder);
    await watched.reachedWorkers(3);
    await slurm(['scancel', second.id]);
    await watched.reachedWorkers(1);
    await expectSameAfter(await watched.lastStep(), watched);
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
    const started = await start(['--nodes=2'], endless);
    await started.watched.reached(60);
    await failNode(await started.job.firstNode(), started.job);
    await expectToGoOn(started, 2);
  });
});
