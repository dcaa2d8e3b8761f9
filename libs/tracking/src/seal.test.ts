import { appendFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from './json.ts';
import { createRun, openRun } from './run.ts';
import { checkSeal } from './seal-check.ts';

const tensors = 'checkpoints/step-00000001.safetensors';

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-seal-'));
});
afterEach(() => rm(root, { recursive: true }));

/** A run with every file that a seal covers. */
async function endedRun({ isSealed = true } = {}): Promise<void> {
  const files = { 'experiment.mjs': Buffer.from('export default 1;\n') };
  const run = await createRun({ root, name: 'tiny', manifest: { seed: 1 }, files });
  folder = run.folder;
  await run.journal({ type: 'started', incarnation: 1 });
  run.appendMetrics({ kind: 'step', step: 1, metrics: { loss: 0.5 } });
  run.appendEvent({ type: 'done' });
  await writeFile(at('record.bin'), 'digests');
  await mkdir(dirname(at(tensors)));
  await writeFile(at(tensors), 'weights');
  const checkpoint = { file: tensors, bytes: 7, sha256: sha256('weights') };
  if (isSealed) await run.seal(['experiment.mjs'], [checkpoint]);
  await run.close();
}

const at = (file: string): string => join(folder, file);

/** Replaces a part of a file by as many other bytes. */
async function alter(file: string, old: string, other: string): Promise<void> {
  const text = await readFile(at(file), 'utf8');
  expect(text).toContain(old);
  expect(other).toHaveLength(old.length);
  await writeFile(at(file), text.replace(old, other));
}

/** What a run that goes on writes at its start. */
async function resume(): Promise<void> {
  const run = await openRun(folder);
  await run.journal({ type: 'started', incarnation: 2 });
  await run.amend({ builds: ['b2'] });
  run.appendMetrics({ kind: 'step', step: 2 });
  await writeFile(at('record.bin'), 'digests and more');
  await writeFile(at(tensors), 'others!');
  await run.close();
}

const sealedFiles = [
  ...['metrics.jsonl', 'events.jsonl', 'record.bin', 'journal.jsonl'],
  ...['manifest.json', 'experiment.mjs', tensors],
];

describe('a sealed run', () => {
  it('is what was sealed', async () => {
    await endedRun();
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(await checkSeal(folder)).toEqual({
      ...{ state: 'sealed', time, intact: sealedFiles, findings: [], removed: [] },
    });
  });

  it.each<readonly [string, string, () => Promise<void>, string]>([
    [
      'a metric',
      'metrics.jsonl',
      () => alter('metrics.jsonl', '0.5', '0.4'),
      'was altered: the 48 bytes that were sealed are other bytes',
    ],
    [
      'the end of the metrics',
      'metrics.jsonl',
      () => truncate(at('metrics.jsonl'), 20),
      'has 20 of the 48 bytes that were sealed',
    ],
    [
      'an added metric',
      'metrics.jsonl',
      () => appendFile(at('metrics.jsonl'), '{"step":2}\n'),
      'has 11 bytes more than were sealed, and the run has not gone on since',
    ],
    ['a record', 'record.bin', () => alter('record.bin', 'digest', 'digesT'), 'was altered'],
    ['an event', 'events.jsonl', () => alter('events.jsonl', 'done', 'gone'), 'was altered'],
    ['the manifest', 'manifest.json', () => alter('manifest.json', '1', '2'), 'was altered'],
    ['the code', 'experiment.mjs', () => rm(at('experiment.mjs')), 'is missing'],
    ['a checkpoint', tensors, () => alter(tensors, 'w', 'W'), 'was altered'],
    [
      'a decision',
      'journal.jsonl',
      () => alter('journal.jsonl', '"incarnation":1', '"incarnation":2'),
      'was',
    ],
    ['a torn decision', 'journal.jsonl', () => appendFile(at('journal.jsonl'), '{"ty'), 'has 4 bytes more'],
  ])('shows that somebody changed %s', async (_what, file, change, message) => {
    await endedRun();
    await change();
    const { state, findings, intact, removed } = await checkSeal(folder);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ file, message: expect.stringContaining(`${file} ${message}`) });
    expect({ state, removed }).toEqual({ state: 'sealed', removed: [] });
    expect([...intact, file].sort()).toEqual([...sealedFiles].sort());
  });

  it('gives what was sealed and what is there', async () => {
    await endedRun();
    await writeFile(at('experiment.mjs'), 'export default 2;');
    const [finding] = (await checkSeal(folder)).findings;
    expect(finding).toMatchObject({
      sealed: { bytes: 18, sha256: sha256('export default 1;\n') },
      found: { bytes: 17, sha256: sha256('export default 2;') },
    });
  });

  it('may lose checkpoints, as prune removes them', async () => {
    await endedRun();
    await rm(dirname(at(tensors)), { recursive: true });
    expect(await checkSeal(folder)).toMatchObject({ state: 'sealed', findings: [], removed: [tensors] });
  });
});

describe('a run that went on after its seal', () => {
  const logs = ['metrics.jsonl', 'events.jsonl', 'record.bin', 'journal.jsonl'];

  it('has the logs that were sealed, and more; its manifest and its checkpoints may differ', async () => {
    await endedRun();
    await resume();
    expect(await checkSeal(folder)).toMatchObject({ state: 'resumed', intact: logs, findings: [] });
  });

  it('shows that somebody changed what was sealed of its logs', async () => {
    await endedRun();
    await resume();
    await alter('metrics.jsonl', '0.5', '0.4');
    expect(await checkSeal(folder)).toMatchObject({
      state: 'resumed',
      findings: [{ file: 'metrics.jsonl', sealed: { bytes: 48 }, found: { bytes: 73 } }],
    });
  });

  it('is sealed again at its next end', async () => {
    await endedRun();
    await resume();
    const run = await openRun(folder);
    await run.seal([], []);
    await run.close();
    expect(await checkSeal(folder)).toMatchObject({ state: 'sealed', findings: [] });
    await alter('manifest.json', 'b2', 'b3');
    expect((await checkSeal(folder)).findings).toMatchObject([{ file: 'manifest.json' }]);
  });
});

it.each(['{"type":"sealed"}', '{"type":"sealed","time":"t","logs":[{}],"files":[],"checkpoints":[]}'])(
  'a run without a whole seal says so: %s',
  async (entry) => {
    await endedRun({ isSealed: false });
    expect(await checkSeal(folder)).toEqual({ state: 'unsealed', intact: [], findings: [], removed: [] });
    await appendFile(at('journal.jsonl'), `${entry}\n`);
    expect((await checkSeal(folder)).state).toBe('unsealed');
  },
);
