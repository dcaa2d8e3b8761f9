/** The run of a job: it begins with the first start of the job, and every later start goes on with it. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { removeTemporaries } from '@lockstep/files';
import { bundleName, readKnown } from '@lockstep/inference';
import { readManifest } from '@lockstep/tracking';
import type { Context } from '../commands/command.ts';
import { startNewRun } from '../new-run.ts';
import { resumeRun } from '../resumed-run.ts';
import type { LaunchPlan, Meeting } from './plan.ts';
import type { RunArgs } from './run-args.ts';

export interface JobOptions {
  readonly plan: LaunchPlan;
  readonly run: RunArgs;
  readonly keys: string | undefined;
  readonly threads: number | undefined;
}

/** Serves the run until it ends, with a worker of its own if the plan says so; resolves with the exit code. */
export async function serveJob({ plan, run, keys, threads }: JobOptions, context: Context): Promise<number> {
  const { bind, address } = listeningAt(plan.meeting);
  const local = plan.role === 'both' ? 1 : 0;
  const { runRoot, workersExpected: expected } = run;
  const workers = { local, expected, threads: threads ?? plan.threads };
  const args = { ...run, bind, keys };
  const folder = plan.job === undefined ? undefined : join(runRoot, plan.job);
  if (folder === undefined || (await isNew(folder))) {
    return startNewRun(args, workers, context, { folder: plan.job, address });
  }
  await requireSameExperiment(folder, run.experiment);
  const { json, verbose, quiet, page } = run;
  const length = { epochs: undefined, steps: undefined, keep: undefined };
  return resumeRun(
    {
      ...{ run: folder, bind, keys, page, json, verbose, quiet, ...length },
      // The workers that began need not be there again, and nothing depends on them any more.
      ...{ workers: local, threads: workers.threads },
      ...(address !== undefined && { address }),
    },
    context.terminal,
  );
}

/**
 * Where the coordinator listens: on all interfaces, since names of hosts and of services need not belong to one of them. Only a
 * loopback host is taken as it is, which needs no keys.
 */
function listeningAt(meeting: Meeting): { readonly bind: string; readonly address: string | undefined } {
  if (meeting.type === 'folder')
    throw new LockstepError('config', 'a coordinator needs an address, not a folder');
  const { host, port } = meeting;
  const isLocal = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(host);
  const bind = `tcp://${isLocal ? host.replace('localhost', '127.0.0.1') : '0.0.0.0'}:${port}`;
  return { bind, address: host === '0.0.0.0' ? undefined : `${host}:${port}` };
}

/** Whether the job has no run yet. Removes what an earlier start left that was killed while it made the folder. */
async function isNew(folder: string): Promise<boolean> {
  if (!existsSync(folder)) return true;
  if (existsSync(join(folder, 'manifest.json'))) return false;
  await removeTemporaries(folder);
  const others = (await readdir(folder)).filter((name) => name !== bundleName);
  if (others.length > 0) {
    throw new LockstepError(
      'config',
      `${folder} is not the folder of a run: it has ${others.slice(0, 3).join(', ')} and no manifest.json; --job names another`,
      { folder },
    );
  }
  await rm(folder, { recursive: true });
  return true;
}

/** Engines give numbers of jobs again after years, or on another cluster that shares the folder. */
async function requireSameExperiment(folder: string, experiment: string): Promise<void> {
  const { experiment: known } = readKnown(folder, await readManifest(folder));
  if (basename(known.file) === basename(experiment)) return;
  throw new LockstepError(
    'config',
    `${folder} is a run of ${known.file}, not of ${experiment}; --job names another run folder`,
    { folder, file: known.file, experiment },
  );
}
