import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Checkpoint,
  checkpointFolder,
  checkpointHashes,
  listCheckpoints,
  loadCheckpoint,
  newestCheckpoint,
  saveCheckpoint,
} from './checkpoint.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-checkpoint-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

function checkpointAt(step: number): Checkpoint {
  const data = Float32Array.of(step, 0.1, -0);
  return {
    step,
    header: { seed: 1, profile: 'portable', nested: { 2: 'b', 1: 'a' } },
    tensors: { 'params/w': { dtype: 'float32', shape: [3], data } },
  };
}

async function saveSteps(...steps: readonly number[]): Promise<void> {
  for (const step of steps) await saveCheckpoint(folder, checkpointAt(step));
}

async function flipBit(path: string, at: (length: number) => number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at(bytes.length)]! ^= 4;
  await writeFile(path, bytes);
}

describe('saveCheckpoint', () => {
  it('can be read back, and the newest is read unless a step is given', async () => {
    await saveSteps(10, 20);
    expect(await loadCheckpoint(folder)).toEqual({ ...checkpointAt(20), skipped: [] });
    expect(await loadCheckpoint(folder, 10)).toEqual({ ...checkpointAt(10), skipped: [] });
  });

  it('names the files by step and leaves no temporary ones', async () => {
    await saveSteps(412);
    expect((await readdir(folder)).sort()).toEqual(['step-00000412.json', 'step-00000412.safetensors']);
  });

  it('removes surplus checkpoints up to the step and does not touch later ones', async () => {
    const kept = async () => (await listCheckpoints(folder)).map(({ step }) => step);
    await saveSteps(100, 10, 20, 30, 40);
    expect(await kept()).toEqual([10, 20, 30, 40, 100]);
    await saveCheckpoint(folder, checkpointAt(50), { keep: 4 });
    expect(await kept()).toEqual([10, 30, 40, 50, 100]);
    await saveCheckpoint(folder, checkpointAt(60), { keep: 1 });
    expect(await kept()).toEqual([60, 100]);
  });

  it('removes what a crash left of older checkpoints', async () => {
    await saveSteps(10, 20, 30);
    await rm(join(folder, 'step-00000010.json'));
    await rm(join(folder, 'step-00000020.safetensors'));
    await saveSteps(40);
    expect(await readdir(folder)).toEqual(
      [30, 40].flatMap((step) => [`step-000000${step}.json`, `step-000000${step}.safetensors`]),
    );
  });

  it('gives the hash of the tensors that the header holds', async () => {
    const { headerPath, tensorsPath, tensorsSha256 } = await saveCheckpoint(folder, checkpointAt(10));
    const { content } = JSON.parse(await readFile(headerPath, 'utf8'));
    const actual = createHash('sha256')
      .update(await readFile(tensorsPath))
      .digest('hex');
    expect([tensorsSha256, content.tensorsSha256]).toEqual([actual, actual]);
  });

  it('never removes the first checkpoint of a branch', async () => {
    for (const step of [20, 30, 40, 50, 60])
      await saveCheckpoint(folder, checkpointAt(step), { keep: 2, first: 20 });
    expect((await listCheckpoints(folder)).map(({ step }) => step)).toEqual([20, 50, 60]);
  });

  it.each([{ step: -1 }, { step: 0.5 }])('refuses %o', async (wrong) => {
    await expect(saveCheckpoint(folder, { ...checkpointAt(1), ...wrong })).rejects.toThrow('step must be');
  });
});

describe('checkpointHashes', () => {
  it('are those of all files, and leave out checkpoints with a damaged header', async () => {
    const run = folder;
    folder = checkpointFolder(run);
    await saveSteps(10, 20, 30);
    await flipBit(join(folder, 'step-00000020.json'), (length) => length >> 1);
    const names = [10, 30].flatMap((step) => [`step-000000${step}.safetensors`, `step-000000${step}.json`]);
    const expected = await Promise.all(
      names.map(async (name) => {
        const bytes = await readFile(join(folder, name));
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        return { file: `checkpoints/${name}`, bytes: bytes.length, sha256 };
      }),
    );
    expect(await checkpointHashes(run)).toEqual(expected);
    folder = run;
    expect(await checkpointHashes(join(run, 'missing'))).toEqual([]);
  });
});

describe('loadCheckpoint', () => {
  it('gives undefined where there is none', async () => {
    expect(await loadCheckpoint(folder)).toBeUndefined();
    expect(await loadCheckpoint(join(folder, 'missing'))).toBeUndefined();
    expect(await listCheckpoints(join(folder, 'missing'))).toEqual([]);
  });

  const tensorsFile = () => join(folder, 'step-00000030.safetensors');
  const headerFile = () => join(folder, 'step-00000030.json');
  const middle = (length: number) => length >> 1;
  it.each([
    ['truncated tensors', () => truncate(tensorsFile(), 100), 'the tensors fail their checksum'],
    [
      'a flipped bit in the tensors',
      () => flipBit(tensorsFile(), (n) => n - 1),
      'the tensors fail their checksum',
    ],
    ['a flipped bit in the header', () => flipBit(headerFile(), middle), 'the header fails its checksum'],
    ['a truncated header', () => truncate(headerFile(), 20), 'the header is not what was written'],
    ['a header of null', () => writeFile(headerFile(), 'null'), 'the header is not what was written'],
    ['a crash between the two files', () => rm(headerFile()), 'step-00000030.json is missing'],
    ['lost tensors', () => rm(tensorsFile()), 'step-00000030.safetensors is missing'],
  ])('reports %s and goes back to the checkpoint before', async (_what, damage, reason) => {
    await saveSteps(10, 20, 30);
    await damage();
    const path = expect.stringContaining(join(folder, 'step-00000030.'));
    const skipped = [{ step: 30, path, reason: expect.stringContaining(reason) }];
    expect(await loadCheckpoint(folder)).toEqual({ ...checkpointAt(20), skipped });
    await expect(loadCheckpoint(folder, 30)).rejects.toThrow(
      expect.objectContaining({ code: 'checkpoint', message: expect.stringContaining(reason) }),
    );
  });

  it('ignores tensors without a header, and reads the pair once it is complete', async () => {
    await saveSteps(10);
    const { tensors } = checkpointAt(11);
    await saveCheckpoint(folder, { ...checkpointAt(20), tensors });
    const otherTensors = await readFile(join(folder, 'step-00000020.safetensors'));
    await saveSteps(20);
    await writeFile(join(folder, 'step-00000020.safetensors'), otherTensors);
    expect((await loadCheckpoint(folder))?.step).toBe(10);
    await saveSteps(20);
    expect(await loadCheckpoint(folder)).toEqual({ ...checkpointAt(20), skipped: [] });
  });

  it('throws when every checkpoint is damaged', async () => {
    await saveSteps(10, 20);
    await rm(join(folder, 'step-00000010.json'));
    await rm(join(folder, 'step-00000020.json'));
    await expect(loadCheckpoint(folder)).rejects.toThrow(
      /no checkpoint can be used: step 20: .* step 10: .*; `lockstep resume` begins again from the seed/,
    );
    expect(await newestCheckpoint(folder)).toEqual({
      checkpoint: undefined,
      skipped: [20, 10].map((step) => {
        const path = join(folder, `step-000000${step}.json`);
        return { step, path, reason: `${path} is missing` };
      }),
    });
  });

  it.each([
    ['an empty header', () => writeFile(headerFile(), ''), 'it is empty'],
    ['empty tensors', () => writeFile(tensorsFile(), ''), 'fail their checksum (0 bytes)'],
    ['a header of zeros', () => writeFile(headerFile(), new Uint8Array(300)), 'is not what was written'],
    [
      'a folder of the header’s name',
      () => rm(headerFile()).then(() => mkdir(headerFile())),
      'cannot be read (EISDIR)',
    ],
  ])('gives none where the only checkpoint has %s', async (_what, damage, reason) => {
    await saveSteps(30);
    await damage();
    const skipped = [{ step: 30, path: expect.any(String), reason: expect.stringContaining(reason) }];
    expect(await newestCheckpoint(folder)).toEqual({ checkpoint: undefined, skipped });
  });

  it('does not read one step as another', async () => {
    await saveSteps(10);
    for (const ending of ['json', 'safetensors']) {
      await writeFile(
        join(folder, `step-00000099.${ending}`),
        await readFile(join(folder, `step-00000010.${ending}`)),
      );
    }
    expect(await loadCheckpoint(folder)).toMatchObject({
      step: 10,
      skipped: [{ step: 99, reason: 'the header is that of step 10', path: expect.any(String) }],
    });
  });
});
