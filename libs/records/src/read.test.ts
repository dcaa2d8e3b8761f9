import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createTestRoot,
  done,
  events,
  finished,
  journal,
  manifest,
  metrics,
  type TestRoot,
} from './fixtures/folders.ts';
import { readRun, readRuns } from './read.ts';
import { curvesOf, metricsOf } from './record.ts';

let root: TestRoot;
beforeEach(async () => {
  root = await createTestRoot();
});
afterEach(() => root.remove());

const id = '2026-11-30-digits-00aa';

describe('readRun', () => {
  it('reads everything that a folder says', async () => {
    const folder = await root.write(id, finished);
    for (const step of [2, 4]) {
      for (const ending of ['json', 'safetensors']) {
        await writeFile(join(folder, 'checkpoints', `step-0000000${step}.${ending}`), '');
      }
    }
    expect(await readRun(folder)).toEqual({
      folder,
      id,
      name: 'digits',
      status: 'finished',
      created: '2026-11-30T10:00:00.000Z',
      steps: 4,
      totalSteps: 4,
      seed: 7,
      profile: 'fma',
      params: { rate: 0.1, optimizer: 'adam', nesterov: true },
      config: { batchSize: 32, numShards: 8, steps: 4 },
      curves: {
        loss: { kind: 'step', steps: [1, 2, 3, 4], values: [2, 1, Number.NaN, 1.5] },
        accuracy: { kind: 'step', steps: [1, 2, 3, 4], values: [0.25, 0.75, 0.5, 0.5] },
        'test/loss': { kind: 'evaluation', steps: [4], values: [1.25] },
      },
      fingerprints: [
        { step: 2, fingerprint: 'f2', chain: 'c2' },
        { step: 4, fingerprint: 'f4', chain: 'c4' },
      ],
      experiment: { file: '/project/digits.ts', hash: 'e1' },
      programs: { step: 'p1', update: 'u1' },
      data: 'd1',
      builds: ['b1'],
      versions: { lockstep: '0.1.0', node: 'v20.19.0' },
      platform: 'linux-x64',
      machine: { host: 'here', cpu: 'Xeon', cores: 2, memoryBytes: 8e9 },
      command: ['train', 'digits.ts', '--set', 'rate=0.1'],
      durationMs: 10_000,
      checkpoints: [2, 4],
      warnings: [],
    });
  });

  it('reads folders of the release before, which say less', async () => {
    const { schemaVersion: _, machine: __, command: ___, parent: ____, ...old } = manifest;
    const { params: _____, ...config } = manifest.config;
    const folder = await root.write(id, { ...finished, 'manifest.json': { ...old, config } });
    const run = await readRun(folder);
    expect(run).toMatchObject({ status: 'finished', seed: 7, params: {}, warnings: [] });
    for (const field of ['machine', 'command', 'parent']) expect(run).not.toHaveProperty(field);
  });

  it('takes the greatest accuracy and the least loss as the best, and no NaN', async () => {
    const run = await readRun(await root.write(id, finished));
    expect(metricsOf(run)).toEqual({
      loss: { last: 1.5, lastStep: 4, best: 1, bestStep: 2 },
      accuracy: { last: 0.5, lastStep: 4, best: 0.75, bestStep: 2 },
      'test/loss': { last: 1.25, lastStep: 4, best: 1.25, bestStep: 4 },
    });
    expect(Object.keys(curvesOf(run, ['accuracy', 'nothing']))).toEqual(['accuracy']);
  });

  it('counts a step that was computed again once, and no step before a change of the length twice', async () => {
    const folder = await root.write(id, {
      ...finished,
      'metrics.jsonl': [
        ...metrics,
        { kind: 'lengthChanged', step: 3 },
        { kind: 'step', step: 4, metrics: { loss: 1.75 } },
        { kind: 'step', step: 4, metrics: { loss: 1.75 } },
      ],
    });
    const { curves, fingerprints } = await readRun(folder);
    expect(curves.loss).toEqual({ kind: 'step', steps: [1, 2, 3, 4], values: [2, 1, Number.NaN, 1.75] });
    expect(curves).not.toHaveProperty('test/loss');
    expect(fingerprints.map(({ step }) => step)).toEqual([2]);
  });

  it('ends with the fingerprint of the last step, unless the run was made longer since', async () => {
    const ending = { steps: 5, fingerprint: 'f5' };
    const ended = [{ type: 'done', ending }];
    const folder = await root.write(id, { ...finished, 'events.jsonl': ended });
    expect((await readRun(folder)).fingerprints.at(-1)).toEqual({ step: 5, fingerprint: 'f5' });
    await root.write(id, { 'events.jsonl': [{ type: 'done', ending: { ...ending, steps: 4 } }] });
    expect((await readRun(folder)).fingerprints.at(-1)).toEqual({ step: 4, fingerprint: 'f4', chain: 'c4' });
    await root.write(id, { 'events.jsonl': [...ended, { type: 'lengthChanged', step: 4 }] });
    expect((await readRun(folder)).fingerprints.at(-1)).toMatchObject({ step: 4 });
  });

  it('adds up the sessions of a resumed run', async () => {
    const folder = await root.write(id, {
      ...finished,
      'journal.jsonl': [...journal, { type: 'started', time: '2026-11-30T12:00:00.000Z' }, done],
      'events.jsonl': [...events, { type: 'done', time: '2026-11-30T12:00:03.000Z' }],
    });
    expect(await readRun(folder)).toMatchObject({ durationMs: 13_000 });
  });
});

describe('the status', () => {
  const ended = (reason: string) => [...journal, { ...done, reason }];
  const cases = [
    ['finished', ended('finished'), []],
    ['interrupted', ended('interrupted'), []],
    ['non-finite', ended('nonFinite'), []],
    ['failed', ended('failed'), []],
    ['unknown', journal, []],
    ['unknown', [...ended('interrupted'), { type: 'started' }], []],
    ['unknown', [...ended('finished'), { type: 'lengthChanged', step: 4 }], []],
    ['finished', [], [{ type: 'done' }]],
    ['non-finite', [], [{ type: 'stoppedNonFinite' }]],
    ['unknown', [], []],
  ] as const;
  for (const [status, journal, events] of cases) {
    it(`is ${status} after ${JSON.stringify(journal.at(-1) ?? events.at(-1) ?? 'nothing')}`, async () => {
      const files = { ...finished, 'journal.jsonl': journal, 'events.jsonl': events };
      const folder = await root.write(id, files);
      expect((await readRun(folder)).status).toBe(status);
      const expected = status === 'unknown' ? 'interrupted' : status;
      expect((await readRun(folder, { isRunning: () => false })).status).toBe(expected);
      const running = await readRun(folder, { isRunning: (one) => one === folder });
      expect(running).toMatchObject({ status: 'running' });
      expect(running).not.toHaveProperty('durationMs');
    });
  }
});

describe('damage', () => {
  it('includes a lock that cannot be read', async () => {
    const folder = await root.write(id, { ...finished, 'journal.jsonl': journal });
    const isRunning = (): boolean => {
      throw new LockstepError('file', 'the lock cannot be read', {});
    };
    expect(await readRun(folder, { isRunning })).toMatchObject({
      status: 'unknown',
      warnings: ['the lock cannot be read'],
    });
  });

  it('costs a run whose manifest is damaged its settings alone', async () => {
    const folder = await root.write(id, { ...finished, 'manifest.json': '{"name": "dig' });
    const run = await readRun(folder);
    expect(run).toMatchObject({ name: 'digits', created: '2026-11-30', status: 'finished', steps: 4 });
    expect(run.warnings).toEqual([
      expect.stringContaining(`${join(folder, 'manifest.json')}: cannot be read`),
    ]);
  });

  it('names lines that are cut short, and keeps all others', async () => {
    const text = metrics.map((line) => `${JSON.stringify(line)}\n`).join('');
    const folder = await root.write(id, {
      ...finished,
      'metrics.jsonl': `${text}{"kind":"st\n{"kind":"step","step":5,"metrics":{"loss":1.25}}\n{"kin`,
    });
    const run = await readRun(folder);
    expect(run.steps).toBe(5);
    expect(run.warnings).toEqual([
      `${join(folder, 'metrics.jsonl')}: line 7 was cut short by a crash or a full disk and is left out`,
      `${join(folder, 'metrics.jsonl')}: line 9 was cut short by a crash or a full disk and is left out`,
    ]);
    const running = await readRun(folder, { isRunning: () => true });
    expect(running.warnings).toHaveLength(1);
  });

  it('does not stop at values of other types', async () => {
    const folder = await root.write(id, {
      'manifest.json': { name: 3, config: [1], profile: null, builds: {}, versions: 'x', machine: 4 },
      'metrics.jsonl': [
        { kind: 'step', step: 'x' },
        { kind: 'step', step: 2, metrics: { loss: {} } },
      ],
      'journal.jsonl': [
        { type: 'programs', hashes: 4 },
        { type: 'done', reason: 'other' },
      ],
    });
    const run = await readRun(folder);
    expect(run).toMatchObject({ name: 'digits', steps: 2, status: 'unknown', curves: {}, warnings: [] });
  });

  it('names a manifest that is no object, and one of a later release', async () => {
    const list = await root.write(id, { 'manifest.json': '[]' });
    expect((await readRun(list)).warnings).toEqual([expect.stringContaining('holds no JSON object')]);
    const later = await root.write(id, { 'manifest.json': { ...manifest, schemaVersion: 9 } });
    expect(await readRun(later)).toMatchObject({
      seed: 7,
      warnings: [expect.stringContaining('was written by a later release (schema version 9')],
    });
  });
});

describe('readRuns', () => {
  it('reads the runs in a folder, and names what is none', async () => {
    await root.write('2026-11-30-b-0000', finished);
    await root.write('2026-11-29-a-0000', finished);
    await root.write('photographs', { 'a.txt': 'a' });
    await root.write('2026-11-30-c-0000', { 'metrics.jsonl': metrics });
    await writeFile(join(root.path, 'notes.txt'), 'no folder');
    const { runs, warnings } = await readRuns(root.path);
    expect(runs.map((run) => run.id)).toEqual([
      '2026-11-29-a-0000',
      '2026-11-30-b-0000',
      '2026-11-30-c-0000',
    ]);
    expect(warnings).toEqual([
      expect.stringContaining('2026-11-30-c-0000/manifest.json: cannot be read'),
      `${join(root.path, 'photographs')} is not the folder of a run`,
    ]);
  });

  it('refuses a folder that is not there', async () => {
    await expect(readRuns(join(root.path, 'none'))).rejects.toMatchObject({
      ...{ code: 'config', message: expect.stringContaining('none does not exist; name the folder') },
    });
    await expect(readRun(join(root.path, 'none'))).rejects.toMatchObject({ code: 'config' });
  });
});
