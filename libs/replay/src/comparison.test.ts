import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatLine, type LogRecord } from '@lockstep/tracking';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareWith } from './comparison.ts';
import { type RunLogs, readRunLogs } from './run-logs.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-logs-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function logsOf(
  metrics: readonly LogRecord[],
  events: readonly LogRecord[] = [],
  manifest = {},
): Promise<RunLogs> {
  await writeFile(join(folder, 'metrics.jsonl'), metrics.map(formatLine).join(''));
  await writeFile(join(folder, 'events.jsonl'), events.map(formatLine).join(''));
  return readRunLogs(folder, manifest);
}

const stepOf = (step: number, loss: number, more = {}): LogRecord => ({
  ...{ kind: 'step', step, metrics: { loss, accuracy: 0.5 }, chain: `chain ${step}`, totalSteps: 9 },
  ...more,
});
const evaluationOf = (step: number, final: boolean, loss: number): LogRecord => ({
  ...{ kind: 'evaluation', step, final, metrics: { 'validation/loss': loss } },
});
const done = { type: 'done', ending: { type: 'done', steps: 3, fingerprint: 'f3' } };

const whole = [
  stepOf(1, 3),
  stepOf(2, 2, { fingerprint: 'f2' }),
  evaluationOf(2, false, 2.5),
  stepOf(3, 1),
  evaluationOf(3, true, 1.5),
];

describe('a comparison with the logs of a run', () => {
  it('counts what is the same', async () => {
    const comparison = compareWith(await logsOf(whole, [done]));
    expect(comparison.step(1, stepOf(1, 3))).toBeUndefined();
    expect(comparison.step(2, stepOf(2, 2, { fingerprint: 'f2' }))).toBeUndefined();
    expect(comparison.evaluation(2, false, evaluationOf(2, false, 2.5))).toBeUndefined();
    expect(comparison.step(3, stepOf(3, 1))).toBeUndefined();
    expect(comparison.evaluation(3, true, evaluationOf(3, true, 1.5))).toBeUndefined();
    expect(comparison.finished(3, 'f3')).toBeUndefined();
    expect(comparison.compared).toEqual({ steps: 3, fingerprints: 1, evaluations: 2, digests: 0 });
  });

  it.each([
    ['loss', stepOf(2, 2.0000000000000004, { fingerprint: 'f2' }), 2, 2.0000000000000004],
    ['accuracy', { ...stepOf(2, 2), metrics: { loss: 2 } }, 0.5, null],
    ['fingerprint', stepOf(2, 2, { fingerprint: 'g2' }), 'f2', 'g2'],
    ['fingerprint', stepOf(2, 2), 'f2', null],
    ['chain', stepOf(2, 2, { fingerprint: 'f2', chain: 'c' }), 'chain 2', 'c'],
    ['non-finite values', stepOf(2, 2, { fingerprint: 'f2', nonFinite: ['loss'] }), 'none', 'loss'],
  ])('names another %s', async (what, report, recorded, computed) => {
    const comparison = compareWith(await logsOf(whole));
    expect(comparison.step(2, report)).toEqual({ step: 2, what, recorded, computed });
    expect(comparison.compared.steps).toBe(0);
  });

  it('names another metric of an evaluation, and another result', async () => {
    const comparison = compareWith(await logsOf(whole, [done]));
    const name = 'validation/loss';
    expect(comparison.evaluation(2, false, evaluationOf(2, false, 3))).toEqual({
      ...{ step: 2, what: name, recorded: 2.5, computed: 3 },
    });
    expect(comparison.evaluation(3, true, evaluationOf(3, true, 3))).toMatchObject({ recorded: 1.5 });
    expect(comparison.finished(3, 'g3')).toMatchObject({ what: 'fingerprint', recorded: 'f3' });
    expect(comparison.finished(2, 'f3')).toEqual({
      ...{ step: 2, what: 'end', recorded: 'step 3', computed: 'step 2' },
    });
  });

  it('compares numbers that JSON lacks, and −0 as it is written', async () => {
    const values = { loss: Number.NaN, norm: Number.POSITIVE_INFINITY, zero: -0 };
    const report = { kind: 'step', step: 1, metrics: values };
    const comparison = compareWith(await logsOf([report]));
    expect(comparison.step(1, report)).toBeUndefined();
    const other = { ...report, metrics: { ...values, norm: Number.NEGATIVE_INFINITY } };
    expect(comparison.step(1, other)).toMatchObject({ recorded: 'Infinity', computed: '-Infinity' });
  });

  it('does not compare the chain of a release that had no hashes of states in it', async () => {
    const comparison = compareWith(await logsOf(whole));
    expect(comparison.step(1, stepOf(1, 3, { stateHash: 's1', chain: 'another' }))).toBeUndefined();
    expect(comparison.step(3, stepOf(3, 1, { chain: 'yet another' }))).toBeUndefined();
    const hashed = compareWith(await logsOf([stepOf(1, 3, { stateHash: 's1' })]));
    expect(hashed.step(1, stepOf(1, 3, { stateHash: 't1' }))).toMatchObject({ what: 'state hash' });
  });

  it('compares digests that both sides have', async () => {
    const digests = new Map([
      ['gradient of w', '01'],
      ['params/w', '02'],
    ]);
    const logs = await logsOf(whole);
    const comparison = compareWith(logs, { digestsOf: (step) => (step === 1 ? [digests] : []) });
    expect(comparison.step(1, stepOf(1, 3), new Map([...digests, ['params/w', '03']]))).toEqual({
      ...{ step: 1, what: 'digest of params/w', recorded: '02', computed: '03' },
    });
    expect(comparison.step(1, stepOf(1, 3), digests)).toBeUndefined();
    expect(comparison.step(1, stepOf(1, 3))).toBeUndefined();
    expect(comparison.step(3, stepOf(3, 1), digests)).toBeUndefined();
    expect(comparison.compared).toMatchObject({ steps: 3, digests: 2 });
  });

  it('compares the digests of every member, and none that a build names otherwise', async () => {
    const [one, other] = ['02', '03'].map((digest) => new Map([['params/w', digest]]));
    const comparison = compareWith(await logsOf(whole), { digestsOf: () => [one!, other!] });
    expect(comparison.step(1, stepOf(1, 3), one)).toMatchObject({ recorded: '03', computed: '02' });
    expect(comparison.step(1, stepOf(1, 3), new Map([['params/kernel', '04']]))).toBeUndefined();
    expect(comparison.compared).toMatchObject({ steps: 1, digests: 0 });
  });

  it('compares nothing after its last step, nor what the logs lack', async () => {
    const comparison = compareWith(await logsOf([...whole.slice(0, 1), ...whole.slice(3)]), { until: 2 });
    expect(comparison.step(2, stepOf(2, 7))).toBeUndefined();
    expect(comparison.step(3, stepOf(3, 7))).toBeUndefined();
    expect(comparison.evaluation(3, true, evaluationOf(3, true, 7))).toBeUndefined();
    expect(comparison.finished(2, 'f')).toBeUndefined();
    expect(comparison.compared.steps).toBe(0);
    expect(comparison.finished(1, 'f')).toMatchObject({ what: 'end', recorded: 'step 2' });
  });
});

describe('the logs of a run', () => {
  it('end with the last step that is done; those of a branch begin at its first', async () => {
    expect((await logsOf([])).lastStep).toBe(0);
    expect((await logsOf([], [], { parent: { run: 'r', step: 4 } })).lastStep).toBe(4);
    expect((await logsOf(whole)).lastStep).toBe(3);
    expect(await logsOf(whole, [done, { type: 'generation' }])).not.toHaveProperty('result');
  });

  it('end before the step at which the run stopped, whatever was computed before its cause was found', async () => {
    const stop = { step: 3, cause: 'update', what: ['parameter w'] };
    const logs = await logsOf(whole, [{ type: 'stoppedNonFinite', ending: stop }]);
    expect(logs).toMatchObject({ lastStep: 2, stop });
    const comparison = compareWith(logs, { until: 3 });
    expect(comparison.stopped(stop)).toBeUndefined();
    expect(comparison.finished(3, 'f')).toEqual({
      ...{ step: 3, what: 'non-finite values' },
      ...{ recorded: 'the update of step 3: parameter w', computed: 'every step is finite' },
    });
    expect(comparison.stopped({ ...stop, what: ['loss'] })).toMatchObject({ step: 3 });
    const sound = compareWith(await logsOf(whole));
    expect(sound.stopped(stop)).toMatchObject({ recorded: 'every step is finite' });
  });
});
