import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFolder, loadCheckpoint } from '@lockstep/checkpoint';
import { fingerprint, itemsOf, modelGroups } from '@lockstep/run';
import { readLog } from '@lockstep/tracking';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Computation } from './computation.ts';
import { convolutional } from './fixtures/experiments.ts';
import { recordLocally } from './fixtures/recorded.ts';
import { openRecordedRun } from './recorded-run.ts';
import { computeState, savedBefore } from './state.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-replay-'));
});
afterEach(() => rm(folder, { recursive: true }));

const fingerprintOf = ({ programs, arrays }: Computation): string =>
  fingerprint(itemsOf(modelGroups(programs)), arrays);

const record = (manifest = {}) =>
  recordLocally(folder, 'convolutional', convolutional(), { config: { epochs: 3 }, manifest });

describe('a computation', () => {
  it('gives every step of the run again, for any division of the shards', async () => {
    const expected = await record();
    const run = await openRecordedRun(folder);
    const { records } = await readLog(folder, 'metrics');
    const computation = new Computation(run);
    await computation.restoreFrom(0);
    const divisions = [
      undefined,
      [
        { start: 0, count: 3 },
        { start: 3, count: 1 },
      ],
      [{ start: 0, count: 4 }],
    ];
    for (let step = 1; step <= 9; step++) {
      computation.divide(divisions[step % 3]);
      const { metrics, fingerprint: value, evaluation } = computation.advance();
      expect(metrics).toEqual(records.find((one) => one.kind === 'step' && one.step === step)?.metrics);
      expect(value).toBe(records.find((one) => one.kind === 'step' && one.step === step)?.fingerprint);
      const evaluated = records.find((one) => one.kind === 'evaluation' && one.step === step);
      expect(evaluation).toEqual(evaluated?.metrics);
    }
    expect(fingerprintOf(computation)).toBe(expected);
    const last = await loadCheckpoint(checkpointFolder(folder));
    expect(computation.progress).toEqual(last?.header.progress);
  });

  it('goes on from a checkpoint, and from a copy of a state', async () => {
    const expected = await record();
    const run = await openRecordedRun(folder);
    const computation = new Computation(run);
    expect(savedBefore(run, 8)).toBe(6);
    await computeState(computation, 8);
    const { step, arrays } = computation.copy();
    expect(step).toBe(8);
    computation.advance();
    expect(fingerprintOf(computation)).toBe(expected);
    computation.restore({ step, arrays, progress: computation.progress });
    computation.advance();
    expect(fingerprintOf(computation)).toBe(expected);
  });

  it('computes steps before a change of the length with their old length', async () => {
    const before = await record();
    const change = { step: 9, before: { epochs: 3, steps: null }, epochs: 5, steps: null, time: '' };
    const path = join(folder, 'manifest.json');
    const manifest = JSON.parse(await readFile(path, 'utf8'));
    const config = { ...manifest.config, epochs: 5 };
    await writeFile(path, JSON.stringify({ ...manifest, config, changes: [change] }));
    const run = await openRecordedRun(folder);
    const computation = new Computation(run);
    await computeState(computation, 9);
    expect(fingerprintOf(computation)).toBe(before);
    expect(run.stage(9).config.epochs).toBe(3);
    await computeState(computation, 15);
    expect(computation.step).toBe(15);
  });

  it('refuses a step that the run does not have', async () => {
    await record();
    const computation = new Computation(await openRecordedRun(folder));
    await expect(computeState(computation, 10)).rejects.toThrow('has steps 0 to 9, not 10');
  });

  it('names what has changed since', async () => {
    await record();
    expect((await openRecordedRun(folder)).changes).toEqual([]);
    const { changes } = await openRecordedRun(folder, { build: 'another' });
    expect(changes).toEqual([{ what: 'build', recorded: 'of-the-test', found: 'another' }]);
    const journal = join(folder, 'journal.jsonl');
    const lines = await readFile(journal, 'utf8');
    const altered = lines
      .replace(/"step":"[0-9a-f]{64}"/, '"step":"0000"')
      .replace(/"hash":"\w+"/, '"hash":"1"');
    await writeFile(journal, altered);
    const found = (await openRecordedRun(folder)).changes;
    expect(found.map(({ what, recorded }) => [what, recorded])).toEqual([
      ['data', '1'],
      ['program', '0000'],
    ]);
    expect(found[1]?.programs).toEqual(['step']);
  });

  it('refuses a run without a step', async () => {
    await record({ profile: 'auto' });
    await expect(openRecordedRun(folder)).rejects.toThrow('has computed no step');
  });
});
