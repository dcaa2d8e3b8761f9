import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readStepRecord } from '@lockstep/tracking';
import { expect, it, onTestFinished } from 'vitest';
import { compareWith } from './comparison.ts';
import { convolutional } from './fixtures/experiments.ts';
import { recordLocally } from './fixtures/recorded.ts';
import { readRunLogs } from './run-logs.ts';
import { recordedDigests, reportedDigests } from './step-digests.ts';

const members = [
  { start: 0, count: 2 },
  { start: 2, count: 2 },
];

it('a replay of a run in which one replica was corrupted parts at its step and array', async () => {
  const root = await mkdtemp(join(tmpdir(), 'lockstep-digests-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const [right, wrong] = [join(root, 'right'), join(root, 'wrong')];
  const options = { members, config: { epochs: null, steps: 3 } };
  await recordLocally(right, 'right', convolutional(), options);
  const fault = { step: 2, rank: 1, element: 0, part: 'replica', variable: 'params/5/kernel' } as const;
  await recordLocally(wrong, 'wrong', convolutional(), { ...options, fault });
  const { steps } = (await readStepRecord(right))!;
  const logs = await readRunLogs(wrong, {});
  const comparison = compareWith(logs, { digestsOf: await recordedDigests(wrong) });
  const partings = steps.map(({ step, form, members: [first] }) => {
    const digests = BigUint64Array.from([...first!.results.flat(), ...first!.replica]);
    const reported = reportedDigests(form, new Uint8Array(digests.buffer));
    // The logs tell of the first member, which computed step 2 rightly.
    return comparison.step(step, { ...logs.steps.get(step)! }, reported)?.what;
  });
  expect(partings.slice(0, 2)).toEqual([undefined, 'digest of replica params/5/kernel']);
  expect(comparison.compared.digests).toBe((await recordedDigests(right))(1)[0]!.size);
  expect((await recordedDigests(root))(1)).toEqual([]);
});
