import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFolder, loadCheckpoint, saveCheckpoint } from '@lockstep/checkpoint';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { convolutional } from './fixtures/experiments.ts';
import { recordLocally } from './fixtures/recorded.ts';
import { openRecordedRun } from './recorded-run.ts';
import { verifyRun } from './verify.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-verify-'));
  const members = [
    { start: 0, count: 3 },
    { start: 3, count: 1 },
  ];
  await recordLocally(join(root, 'verified'), 'verified', convolutional(), { members });
});
afterAll(() => rm(root, { recursive: true }));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'run-'));
  await cp(join(root, 'verified'), folder, { recursive: true });
});

const verifyAll = async () => verifyRun(await openRecordedRun(folder), { seed: 1, fraction: 1 });

async function alterLine(file: string, which: string, change: (line: string) => string): Promise<void> {
  const path = join(folder, file);
  const lines = (await readFile(path, 'utf8')).split('\n');
  const at = lines.findIndex((line) => line.includes(which));
  expect(change(lines[at]!)).not.toBe(lines[at]);
  lines[at] = change(lines[at]!);
  await writeFile(path, lines.join('\n'));
}

describe('verifyRun', () => {
  it('proves every step of an honest run', async () => {
    const found = await verifyAll();
    expect(found).toMatchObject({ verified: true, coverage: 1, missed: 0, damaged: [] });
    expect(found.intervals.map(({ from, to, finding }) => [from, to, finding])).toEqual([
      [0, 3, null],
      [3, 6, null],
    ]);
    expect(found.compared.steps).toBe(6);
    expect(found.compared.digests).toBeGreaterThan(100);
  });

  it('draws a part, and says what it may have missed', async () => {
    const found = await verifyRun(await openRecordedRun(folder), { seed: 3 });
    expect(found).toMatchObject({ verified: true, numIntervals: 2, coverage: 0.5, missed: 0.5 });
  });

  it('computes what is behind the last checkpoint too, and all of a run without any', async () => {
    await rm(join(checkpointFolder(folder), 'step-00000006.json'));
    const found = await verifyAll();
    expect(found).toMatchObject({ verified: true, coverage: 1, compared: { steps: 6 } });
    expect(found.intervals.map(({ from, to }) => [from, to])).toEqual([
      [0, 3],
      [3, 6],
    ]);
    await rm(checkpointFolder(folder), { recursive: true });
    expect((await verifyAll()).intervals).toEqual([{ from: 0, to: 6, finding: null }]);
  });

  it('finds an altered metric', async () => {
    await alterLine('metrics.jsonl', '"step":5,', (line) => line.replace(/"loss":[\d.]+/, '"loss":0.5'));
    const found = await verifyAll();
    expect(found.verified).toBe(false);
    expect(found.intervals[1]!.finding).toMatchObject({ kind: 'value', step: 5, parting: { what: 'loss' } });
  });

  it('finds an altered record', async () => {
    const path = join(folder, 'record.bin');
    const bytes = await readFile(path);
    bytes[bytes.length - 20]! ^= 1;
    await writeFile(path, bytes);
    const { verified, damaged } = await verifyAll();
    expect(verified).toBe(false);
    expect(damaged.join()).toContain('record.bin, at byte');
  });

  it('finds an altered checkpoint, also one whose hashes were renewed', async () => {
    const checkpoints = checkpointFolder(folder);
    const { header, tensors, metadata = {} } = (await loadCheckpoint(checkpoints, 6))!;
    const name = 'params/5/kernel';
    const data = (tensors[name]!.data as Float32Array).slice();
    data[2]! += 1e-3;
    const altered = { ...tensors, [name]: { ...tensors[name]!, data } };
    await saveCheckpoint(checkpoints, { step: 6, header, tensors: altered, metadata });
    const found = await verifyAll();
    expect(found.verified).toBe(false);
    expect(found.intervals[1]!.finding).toMatchObject({
      ...{ kind: 'checkpoint', step: 6 },
      difference: { variable: name, element: { index: 2 } },
    });
  });

  it('finds a checkpoint that cannot be read, at either end of an interval', async () => {
    await writeFile(join(checkpointFolder(folder), 'step-00000003.safetensors'), 'damaged');
    const { verified, intervals } = await verifyAll();
    expect(verified).toBe(false);
    expect(intervals.map(({ finding }) => finding?.kind)).toEqual(['checkpoint', 'checkpoint']);
  });

  it('finds an altered setting', async () => {
    const path = join(folder, 'manifest.json');
    const manifest = JSON.parse(await readFile(path, 'utf8'));
    manifest.config.seed = 2;
    await writeFile(path, JSON.stringify(manifest));
    const { verified, intervals } = await verifyAll();
    expect(verified).toBe(false);
    expect(intervals[0]!.finding).toMatchObject({ kind: 'digest', step: 1, difference: { part: 'samples' } });
  });
});
