import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatLine } from '@lockstep/tracking';
import { expect, it, onTestFinished } from 'vitest';
import { Computation } from './computation.ts';
import { diffWithComputation } from './diff.ts';
import { convolutional } from './fixtures/experiments.ts';
import { recordLocally } from './fixtures/recorded.ts';
import { openRecordedRun } from './recorded-run.ts';

it('recorded histograms are compared with those that are computed, and the first field that differs is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-replay-histograms-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const members = [{ start: 0, count: 4 }];
  await recordLocally(folder, 'counted', convolutional(), { members, config: { epochs: null, steps: 2 } });
  const computation = new Computation(await openRecordedRun(folder));
  await computation.restoreFrom(0);
  computation.advance();
  const { histograms } = computation.advance({ histograms: true });
  const write = (own: object) =>
    writeFile(join(folder, 'histograms.jsonl'), formatLine({ step: 2, ...histograms, ...own }));
  await write({});
  expect(await diffWithComputation(await openRecordedRun(folder))).toBeUndefined();

  const of = histograms!.gradients['5/kernel']!;
  await write({ gradients: { ...histograms!.gradients, '5/kernel': { ...of, sum: 7 } } });
  expect(await diffWithComputation(await openRecordedRun(folder))).toMatchObject({
    ...{ step: 2, part: 'value', variable: 'histogram of gradients/5/kernel, sum', cause: 'log' },
    note: expect.stringContaining(`recorded is 7, computed ${of.sum}; `),
  });
  await write({ updates: {} });
  expect(await diffWithComputation(await openRecordedRun(folder))).toMatchObject({
    variable: expect.stringMatching(/^histogram of updates\/.*, count$/),
  });
});
