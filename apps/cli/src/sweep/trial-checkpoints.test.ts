import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFolder } from '@lockstep/checkpoint';
import { minimize, type RecordedTrial, type TrialResult } from '@lockstep/search';
import type { SweepRun } from '@lockstep/sweep';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createCheckpointKeeper } from './trial-checkpoints.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-keeper-'));
});
afterEach(() => rm(root, { recursive: true }));

const folderOf = ({ trial, repeat }: Pick<SweepRun, 'trial' | 'repeat'>): string => `${trial}-${repeat}`;

/** A run with a checkpoint of some bytes. */
async function runOf(trial: number, repeat: number, bytes: number): Promise<SweepRun> {
  const run = { trial, repeat, seed: repeat, params: {} };
  const folder = checkpointFolder(join(root, folderOf(run)));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'step-00000004.safetensors'), new Uint8Array(bytes));
  await writeFile(join(folder, 'step-00000004.json'), '{}');
  return run;
}

const isSaved = (run: SweepRun): boolean =>
  existsSync(join(checkpointFolder(join(root, folderOf(run))), 'step-00000004.safetensors'));

function keeper(maxBytes: number | undefined, best: () => RecordedTrial | undefined) {
  const ledger = { best, front: () => [], folderOf };
  return createCheckpointKeeper({ root, objectives: [minimize('loss')], ledger, repeats: 2, maxBytes });
}

const recordedTrial = (number: number, status: TrialResult['status'], value: number): RecordedTrial => ({
  ...{ number, generation: 0, params: {}, result: { status, values: [value] } },
});

it('keeps the checkpoints of the best trial alone', async () => {
  const runs = await Promise.all([0, 1, 2].flatMap((trial) => [runOf(trial, 0, 1), runOf(trial, 1, 1)]));
  let best: RecordedTrial | undefined;
  const kept = keeper(undefined, () => best);
  kept.recorded([recordedTrial(0, 'pruned', 3)]);
  best = recordedTrial(1, 'complete', 2);
  kept.recorded([best]);
  await kept.done();
  expect(runs.map(isSaved)).toEqual([false, false, true, true, true, true]);
  best = recordedTrial(2, 'complete', 1);
  kept.recorded([best]);
  await kept.done();
  expect(runs.map(isSaved)).toEqual([false, false, false, false, true, true]);
});

it('drops those of the worst waiting runs where they take too much, and none that is trained', async () => {
  const runs = await Promise.all([0, 1, 2, 3].map((trial) => runOf(trial, 0, 100)));
  const kept = keeper(250, () => undefined);
  const pause = (trial: number, value: number) => kept.paused(runs[trial]!, { values: [value] });
  pause(0, 5);
  kept.begun(runs[0]!);
  pause(1, 2);
  pause(2, 3);
  pause(3, 1);
  await kept.done();
  expect(runs.map(isSaved)).toEqual([true, true, false, true]);
});
