/** A Slurm cluster of three nodes on this machine, started by `../shared/ci/start-slurm.sh`, and jobs on it. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type LogName, type LogRecord, readLog } from '@lockstep/tracking';
import { expect, onTestFinished } from 'vitest';
import { root } from '../cluster/harness/command.ts';

const script = join(root, '../shared/ci/start-slurm.sh');

/** Why no job can be submitted here; undefined if a cluster answers. */
export function whyNoSlurm(): string | undefined {
  if (!existsSync(script)) return `${script} does not exist`;
  try {
    execFileSync(script, ['status'], { stdio: 'pipe' });
    return undefined;
  } catch {
    return `no Slurm answers; start one with ${script}`;
  }
}

/** Runs a command of Slurm, such as `scontrol`; resolves with what it prints. */
export async function slurm(
  command: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const options = { cwd: root, env: { ...process.env, ...environment } };
  const { stdout } = await promisify(execFile)(script, ['exec', ...command], options);
  return stdout.trim();
}

/** Time for what a busy machine does: to start processes, to queue a job again. */
const patience = { timeout: 90_000, interval: 200 };

/** Slurm counts in seconds: a node refuses a job that starts in the second in which it has killed the job's first start. */
const soonSeconds = 2;

export interface Job {
  readonly id: string;
  /** Its state, such as `RUNNING`, and how often it was queued again: `PENDING 1`. */
  state(): Promise<string>;
  /** Waits for a state. */
  reached(state: string): Promise<void>;
  /** The node of its batch script and of rank 0. */
  firstNode(): Promise<string>;
  /** Starts a job that was queued again on some number of nodes, with more time, and without its wait of two minutes. */
  startAgain(numNodes: number): Promise<void>;
}

/** Submits a batch script of deploy/slurm. The job is cancelled when the test is over. */
export async function submit(
  batchScript: string,
  options: readonly string[],
  args: readonly string[],
  folder: string,
): Promise<Job> {
  const command = ['sbatch', '--parsable', '--output', `${folder}/%j.log`, ...options];
  const environment = { LOCKSTEP_KEYS: join(folder, 'keys') };
  const id = await slurm([...command, `deploy/slurm/${batchScript}`, ...args], environment);
  const fields = () => slurm(['scontrol', '--oneliner', 'show', 'job', id]);
  const state = async (): Promise<string> => {
    const [, name, restarts] = /JobState=(\w+) .* Restarts=(\d+) /.exec(await fields()) ?? [];
    return `${name} ${restarts}`;
  };
  const waitSeconds = async (): Promise<number> => {
    const [, time = ''] = /StartTime=(\S+)/.exec(await fields()) ?? [];
    return (Date.parse(time) - Date.now()) / 1_000;
  };
  const reached = async (expected: string): Promise<void> => {
    await expect.poll(state, patience).toBe(expected);
  };
  onTestFinished(async () => {
    await slurm(['scancel', id]);
    // Its processes write into a folder that is removed next.
    await expect.poll(() => slurm(['squeue', '--noheader', '--jobs', id]).catch(() => ''), patience).toBe('');
  });
  return {
    id,
    state,
    reached,
    firstNode: async () => /BatchHost=(\w+)/.exec(await fields())![1]!,
    startAgain: async (numNodes) => {
      const place = [`numnodes=${numNodes}-${numNodes}`, `numtasks=${numNodes}`, 'timelimit=30'];
      await slurm(['scontrol', 'update', `jobid=${id}`, ...place]);
      // The wait begins anew when the last process of the first start has ended.
      const hurry = async (): Promise<string> => {
        const now = await state();
        if (now.startsWith('PENDING') && (await waitSeconds()) > soonSeconds) {
          await slurm(['scontrol', 'update', `jobid=${id}`, `starttime=now+${soonSeconds}seconds`]);
        }
        return now;
      };
      await expect.poll(hurry, patience).toMatch(/^RUNNING/);
    },
  };
}

/** A node fails for Slurm, and takes a job with it. It serves again when the test is over. */
export async function failNode(node: string, job: Job): Promise<void> {
  onTestFinished(async () => {
    const shown = await slurm(['scontrol', '--oneliner', 'show', 'node', node]);
    if (/State=\S*(DOWN|DRAIN)/.test(shown))
      await slurm(['scontrol', 'update', `nodename=${node}`, 'state=resume']);
  });
  await slurm(['scontrol', 'update', `nodename=${node}`, 'state=down', 'reason=test']);
  // Its daemon lives, and would take the job for one that it still has.
  await job.reached('PENDING 1');
  await slurm(['scontrol', 'update', `jobid=${job.id}`, `excnodelist=${node}`]);
}

/** What a run has logged so far. */
export interface Watched {
  /** Fingerprints by step, of the steps that log one. */
  fingerprints(): Promise<ReadonlyMap<number, string>>;
  /** The newest step that is logged. */
  lastStep(): Promise<number>;
  /** Waits until this step is logged. */
  reached(step: number): Promise<void>;
  /** The step of the newest checkpoint. */
  savedStep(): Promise<number>;
  /** The number of workers of each generation. */
  workers(): Promise<readonly number[]>;
  /** Waits until the newest generation has this many workers. */
  reachedWorkers(count: number): Promise<void>;
}

export function watchRun(folder: string): Watched {
  const records = async (name: LogName): Promise<readonly LogRecord[]> =>
    existsSync(folder) ? (await readLog(folder, name)).records : [];
  const steps = async () => (await records('metrics')).filter(({ kind }) => kind === 'step');
  const lastStep = async () => Number((await steps()).at(-1)?.step ?? 0);
  const workers = async () =>
    (await records('events'))
      .filter(({ type }) => type === 'generation')
      .map((generation) => (generation.workers as readonly unknown[]).length);
  return {
    lastStep,
    workers,
    fingerprints: async () =>
      new Map(
        (await steps()).flatMap(({ step, fingerprint }) =>
          typeof fingerprint === 'string' ? [[Number(step), fingerprint] as const] : [],
        ),
      ),
    reached: async (step) => {
      await expect.poll(lastStep, patience).toBeGreaterThanOrEqual(step);
    },
    savedStep: async () => {
      const saved = (await records('journal')).findLast(({ type }) => type === 'checkpoint');
      return Number(saved?.step ?? 0);
    },
    reachedWorkers: async (count) => {
      await expect.poll(async () => (await workers()).at(-1), patience).toBe(count);
    },
  };
}
