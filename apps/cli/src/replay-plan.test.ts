import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { checkpointFolder, saveCheckpoint } from '@lockstep/checkpoint';
import type { RecordedRun, RunLogs, Stage } from '@lockstep/replay';
import { createSchedule, type RunConfig } from '@lockstep/run';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AskedSteps, beginningOfReplay, planReplay } from './replay-plan.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-plan-'));
});
afterEach(() => rm(folder, { recursive: true }));

const config: RunConfig = {
  ...{ seed: 1, numShards: 8, batchSize: 32, epochs: null, steps: 30, limitSamples: null },
  ...{ fingerprintEvery: 10, checkpointEvery: 5 },
};

const changeAt = (step: number, before: number, steps: number) => ({
  ...{ step, epochs: null, steps, before: { epochs: null, steps: before }, time: 't' },
});

const plan = (asked: AskedSteps, run: Partial<RecordedRun> = {}, logs: Partial<RunLogs> = {}) =>
  planReplay(
    {
      ...{ folder, config, profile: 'portable', name: 'n', hash: 'h', file: join(folder, 'n.ts') },
      ...{ bundle: new Uint8Array(0), manifest: {}, checkpoints: [5, 10, 20], firstStep: 0, changes: [] },
      schedule: (stage: Stage) => createSchedule(stage.config, 1_000, false),
      ...run,
    } as unknown as RecordedRun,
    {
      logs: { lastStep: 25, steps: new Map(), evaluations: new Map(), ...logs },
      digestsOf: () => [],
    },
    asked,
  );

const stagesOf = (planned: ReturnType<typeof plan>) =>
  planned.stages.map(({ config: { steps }, until, change }) => [steps, until, change?.step]);

describe('the plan of a replay', () => {
  it('goes from the seed to the last recorded step, or as asked', async () => {
    expect(plan({})).toMatchObject({ from: 0, to: 25, profile: 'portable' });
    expect(await beginningOfReplay(plan({}))).toBeUndefined();
    expect(stagesOf(plan({}))).toEqual([[30, 25, undefined]]);
    expect(stagesOf(plan({ until: 7 }))).toEqual([[30, 7, undefined]]);
  });

  it('ends a stage before its schedule only where the run did', () => {
    const configs = plan({}, {}, { lastStep: 30 }).stages.map(({ config: own }) => own);
    expect(configs).toEqual([config]);
    expect(plan({}).stages[0]!.config).toEqual({ ...config, until: 25 });
  });

  it('tries the step at which the run stopped', () => {
    const stop = { step: 8, cause: 'step', what: ['loss'] };
    expect(plan({}, {}, { lastStep: 7, stop }).to).toBe(8);
    expect(plan({}, {}, { lastStep: 0, stop: { ...stop, step: 0 } }).to).toBe(1);
  });

  it('computes steps of each length with that length', () => {
    const manifest = { changes: [changeAt(8, 12, 20), changeAt(8, 20, 18), changeAt(18, 18, 30)] };
    expect(stagesOf(plan({}, { manifest }))).toEqual([
      [12, 8, undefined],
      [18, 18, 8],
      [30, 25, 18],
    ]);
    expect(stagesOf(plan({ until: 8 }, { manifest }))).toEqual([[12, 8, undefined]]);
  });

  it('begins at the last checkpoint up to a step, in the length of that step', async () => {
    const header = { stateHash: 's', progress: { chain: 'c' } };
    await saveCheckpoint(checkpointFolder(folder), { step: 10, header, tensors: {} });
    const manifest = { changes: [changeAt(8, 12, 20), changeAt(18, 20, 30)] };
    const planned = plan({ from: 14 }, { manifest });
    expect(planned.from).toBe(10);
    expect(stagesOf(planned)).toEqual([
      [20, 18, undefined],
      [30, 25, 18],
    ]);
    expect(await beginningOfReplay(planned)).toMatchObject({
      checkpoint: { step: 10, header },
      parent: { run: basename(folder), folder, step: 10, stateHash: 's', chain: 'c' },
    });
  });

  it('begins a branch where it branched', async () => {
    await saveCheckpoint(checkpointFolder(folder), { step: 5, header: { progress: {} }, tensors: {} });
    const parent = { run: 'p', step: 5, stateHash: 's', chain: 'c' };
    const planned = plan({}, { firstStep: 5, manifest: { parent } });
    expect(planned).toMatchObject({ from: 5, to: 25 });
    expect(await beginningOfReplay(planned)).toMatchObject({ checkpoint: { step: 5 }, parent });
    await rm(checkpointFolder(folder), { recursive: true });
    expect(await beginningOfReplay(planned).catch(String)).toContain('step-00000005.json is missing');
  });

  it.each([
    [{ until: 26 }, /--until 26: .* has recorded steps 1 to 25/],
    [{ from: 25 }, /--from 25: the replay goes up to step 25/],
    [{ from: 9, until: 9 }, /--from 9: the replay goes up to step 9/],
  ])('refuses %j', (asked, message) => {
    expect(() => plan(asked)).toThrow(message);
  });

  it('refuses a run without a step', () => {
    expect(() => plan({}, {}, { lastStep: 0 })).toThrow('has recorded no step');
    expect(() => plan({}, { firstStep: 25 })).toThrow('has recorded no step');
  });
});
