/** Frees disk space: what can be removed of a run, and what its resumption needs. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointFolder, listCheckpoints, newestCheckpoint, removeCheckpoint } from '@lockstep/checkpoint';
import type { RunRecord } from './record.ts';

export interface PruneOptions {
  /** The newest checkpoints that stay. Default 1. */
  readonly keep?: number;
  /** Remove the folders of runs, not their checkpoints alone. Default false. */
  readonly wholeRuns?: boolean;
}

/** What would be removed of one run. */
export interface Pruning {
  readonly run: RunRecord;
  /** Steps of the checkpoints that would be removed; all of them where the folder is. */
  readonly steps: readonly number[];
  readonly isWholeRun: boolean;
  readonly bytes: number;
  /** Why the run or its newest checkpoint stays, although it was to be removed. */
  readonly kept?: string;
}

/**
 * Plans, and removes nothing. A run that a process trains keeps everything. A run that is not finished keeps the newest checkpoint
 * that can be read, and its folder: `lockstep resume` needs both. A branch keeps the checkpoint with which it begins, which the
 * seed does not give again.
 */
export async function planPruning(
  run: RunRecord,
  { keep = 1, wholeRuns = false }: PruneOptions = {},
): Promise<Pruning> {
  const none = { run, steps: [], isWholeRun: false, bytes: 0 };
  if (run.status === 'running') return { ...none, kept: 'it is being trained' };
  const files = await listCheckpoints(checkpointFolder(run.folder));
  const isFinished = run.status === 'finished';
  if (wholeRuns && (isFinished || files.length === 0)) {
    const steps = files.map(({ step }) => step);
    return { run, steps, isWholeRun: true, bytes: await bytesIn(run.folder) };
  }
  if (wholeRuns) return { ...none, kept: 'it is not finished and has checkpoints, from which it can go on' };
  const later = files.filter(({ step }) => step !== run.parent?.step);
  const wanted = keep === 0 ? later : later.slice(0, -keep);
  if (wanted.length === 0) return none;
  const mustKeep = isFinished && keep === 0 ? undefined : await newestSound(run.folder);
  const removed = mustKeep === 'none' ? [] : wanted.filter(({ step }) => step !== mustKeep);
  const paths = removed.flatMap(({ headerPath, tensorsPath }) => [headerPath, tensorsPath]);
  return {
    ...{ run, steps: removed.map(({ step }) => step), isWholeRun: false, bytes: await bytesOf(paths) },
    ...(removed.length < wanted.length && { kept: reasonFor(mustKeep) }),
  };
}

const reasonFor = (step: number | 'none' | undefined): string =>
  step === 'none' ? 'none of its checkpoints can be read' : `the run can go on from step ${step} alone`;

/** The step of the newest checkpoint that is whole. */
async function newestSound(folder: string): Promise<number | 'none'> {
  return (await newestCheckpoint(checkpointFolder(folder))).checkpoint?.step ?? 'none';
}

/** Removes what was planned. The caller holds the lock of the run. */
export async function prune({ run, steps, isWholeRun }: Pruning): Promise<void> {
  if (isWholeRun) {
    await rm(run.folder, { recursive: true });
    return;
  }
  for (const step of steps) await removeCheckpoint(checkpointFolder(run.folder), step);
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return bytesOf(
    entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)),
  );
}

async function bytesOf(paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
