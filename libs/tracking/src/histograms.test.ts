import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { histogram } from '@lockstep/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noteLengthInHistograms, openHistograms, readHistograms, takesHistograms } from './histograms.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-histograms-'));
});
afterEach(() => rm(folder, { recursive: true }));

const of = (step: number, value = step) => {
  const named = { '0/kernel': histogram(new Float32Array([value, -value])) };
  return { step, params: named, gradients: {}, updates: named };
};

async function write(...steps: readonly ReturnType<typeof of>[]): Promise<void> {
  const { log } = await openHistograms(folder);
  for (const step of steps) log.append({ ...step });
  log.close();
}

describe('the histograms of a run', () => {
  it('are none in a folder without them', async () => {
    expect(await readHistograms(folder)).toEqual({ steps: [], damaged: [] });
  });

  it('are read as they were written, by step', async () => {
    await write(of(20), of(10));
    expect(await readHistograms(folder)).toEqual({ steps: [of(10), of(20)], damaged: [] });
  });

  it('have a step once, as it was computed last', async () => {
    await write(of(10), of(20));
    await write(of(20, 7));
    expect((await readHistograms(folder)).steps).toEqual([of(10), of(20, 7)]);
  });

  it('lose the steps after a change of the length, which are computed again', async () => {
    await write(of(10), of(20), of(30));
    await noteLengthInHistograms(folder, 20);
    expect((await readHistograms(folder)).steps).toEqual([of(10), of(20)]);
    await write(of(30, 9));
    expect((await readHistograms(folder)).steps).toEqual([of(10), of(20), of(30, 9)]);
  });

  it('are not begun by a change of the length', async () => {
    await noteLengthInHistograms(folder, 20);
    await expect(readFile(join(folder, 'histograms.jsonl'))).rejects.toThrow('ENOENT');
  });

  it('lose what is damaged alone, and name it', async () => {
    await write(of(10));
    const path = join(folder, 'histograms.jsonl');
    const lines = [
      'no JSON',
      '{"step":20}',
      '{"kind":"other","step":3}',
      JSON.stringify({ ...of(30), params: { '0/kernel': { ...of(30).params['0/kernel'], counts: [-1] } } }),
      JSON.stringify({ ...of(30), step: -1 }),
    ];
    await appendFile(path, lines.map((line) => `${line}\n`).join(''));
    await write(of(40));
    await appendFile(path, '{"step":50,"par');
    const { steps, damaged, torn } = await readHistograms(folder);
    expect(steps).toEqual([of(10), of(40)]);
    expect(damaged.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6]);
    expect(torn).toMatchObject({ path, line: 8, text: '{"step":50,"par' });
  });

  it('go on behind a line that was cut short, which is removed and named', async () => {
    await write(of(10));
    await appendFile(join(folder, 'histograms.jsonl'), '{"step":20,');
    const { log, damaged } = await openHistograms(folder);
    log.append({ ...of(20) });
    log.close();
    expect(damaged).toMatchObject([{ line: 2, text: '{"step":20,' }]);
    expect(await readHistograms(folder)).toEqual({ steps: [of(10), of(20)], damaged: [] });
  });

  it('name the manifest whose setting is neither true nor false', () => {
    expect([takesHistograms({}, folder), takesHistograms({ histograms: true }, folder)]).toEqual([
      false,
      true,
    ]);
    expect(() => takesHistograms({ histograms: 'yes' }, folder)).toThrow(
      `${folder}/manifest.json: histograms is "yes", neither true nor false`,
    );
  });
});
