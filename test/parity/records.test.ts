/** Records and the event file of a run whose command was killed and that was resumed. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareRuns, readRuns } from '@lockstep/records';
import { soundBytes } from '@lockstep/tensorboard';
import { checkSeal } from '@lockstep/tracking';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../cluster/harness/cluster.ts';
import { startCommand } from '../cluster/harness/command.ts';

const bin = new URL('../../apps/cli/bin/lockstep.mjs', import.meta.url).pathname;

const lockstep = (...argv: string[]): string =>
  execFileSync(process.execPath, [bin, ...argv], { encoding: 'utf8' });

/** Steps that an event file has a training loss of, in its order. */
function stepsIn(file: Buffer): readonly number[] {
  const steps: number[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    const event = file.subarray(at + 12, at + 12 + length);
    at += 16 + length;
    // The step, a varint, is behind the wall time, which takes nine bytes.
    if (!event.includes('train/loss') || event[9] !== 0x10) continue;
    const [low, high] = [event[10]!, event[11]!];
    steps.push(low < 128 ? low : (low & 127) + 128 * high);
  }
  return steps;
}

it('a killed run goes on with its event file, and its record, chain and seal are those of a run that was never stopped', async () => {
  const root = await temporaryFolder();
  const limits = [
    '--epochs',
    '20',
    '--limit-samples',
    '950',
    '--checkpoint-every',
    '20',
    '--fingerprint-every',
    '10',
    '--keep',
    '4',
  ];
  const argv = [
    'train',
    'test/cluster/experiments/cnn.ts',
    ...limits,
    '--run-root',
    root,
    '--tensorboard',
    '--json',
  ];
  const killed = startCommand([...argv, '--workers', '2']);
  const { run } = await killed.event('started');
  await killed.event('checkpoint');
  killed.kill();
  expect(await killed.exited).toBeNull();
  expect(JSON.parse(lockstep('runs', root, '--json'))).toMatchObject({ status: 'interrupted' });
  expect(await checkSeal(`${run}`)).toMatchObject({ state: 'unsealed' });

  const resumed = startCommand(['resume', `${run}`, '--workers', '1', '--keep', '5', '--json']);
  expect(await resumed.exited).toBe(0);
  const whole = startCommand([...argv, '--workers', '3']);
  expect(await whole.exited).toBe(0);

  const events = readFileSync(join(`${run}`, 'events.out.tfevents.lockstep'));
  expect(soundBytes(events)).toBe(events.length);
  const steps = stepsIn(events);
  expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
  // The command may have been killed between the log of a step and its event.
  expect(steps.length).toBeGreaterThanOrEqual(199);

  const { run: wholeRun } = await whole.event('started');
  for (const folder of [run, wholeRun]) {
    expect(await checkSeal(`${folder}`)).toMatchObject({ state: 'sealed', findings: [], removed: [] });
  }
  const { runs, warnings } = await readRuns(root);
  const ofFolder = (folder: unknown) => runs.find((one) => one.folder === folder)!;
  expect(ofFolder(wholeRun).checkpoints).toEqual([20, 160, 180, 200]);
  expect(ofFolder(run).checkpoints).toHaveLength(5);
  expect(ofFolder(run).fingerprints).toEqual(ofFolder(wholeRun).fingerprints);
  expect(warnings).toEqual([]);
  expect(runs.map(({ status, steps: done }) => [status, done])).toEqual([
    ['finished', 200],
    ['finished', 200],
  ]);
  const { settings, fingerprints, curves } = compareRuns(runs);
  expect(settings).toEqual([]);
  expect(fingerprints).toEqual({ numCompared: 20, firstDifferentStep: null });
  for (const { values } of curves) expect(values[0]).toEqual(values[1]);
});
