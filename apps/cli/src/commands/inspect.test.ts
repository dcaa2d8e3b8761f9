import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeNpz, decodeSafetensors } from '@lockstep/formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../cli.ts';
import { createProject, type TestProject } from '../fixtures/project.ts';
import { recordingStream } from '../fixtures/recording.ts';
import { alterMetrics, trainedRun } from '../fixtures/trained.ts';

let project: TestProject;
let folder: string;
beforeAll(async () => {
  project = await createProject();
  folder = await trainedRun(project);
});
afterAll(() => project.remove());

async function run(argv: readonly string[], columns?: number) {
  const out = recordingStream(columns !== undefined, columns);
  const err = recordingStream();
  const code = await runCommandLine(argv, { out, err });
  return { code, out: out.text(), err: err.text() };
}

/** The objects on the lines of an output. */
const objects = (out: string): Record<string, unknown>[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('inspect', () => {
  it('shows a step, and says before what it computes', async () => {
    const { code, out, err } = await run(['inspect', folder, '--step', '7']);
    expect(code).toBe(0);
    expect(err).toBe('lockstep: computes 7 steps from the seed; about 14 s\n');
    const lines = out.split('\n');
    expect(lines[0]).toBe(`${folder}  step 7 of 30, epoch 2`);
    expect(lines[1]).toMatch(/^ {2}loss 0\.\d+ {2}gradientNorm 0\.\d+$/);
    expect(out).toMatch(/^8 samples: \d+(, \d+){7}$/m);
    expect(out).toMatch(/^the greatest losses\n {2}sample +loss\n( +\d+ +0\.\d+ {2}(upper|lower)\n){5}/m);
    expect(out).toMatch(/^parameter +shape +norm +gradient +update +update\/norm +mean +min +max +values/m);
    expect(out).toMatch(/^3\/kernel +\[3, 2\] +(-?[\d.e-]+ +){7}[▁▂▃▄▅▆▇█ ]+$/m);
    expect(out).toMatch(/^2 relu +\[8, 3\] +[\d.]+ +[\d.]+ +[\d.]+% +0\.000/m);
  });

  it('leaves out columns that do not fit', async () => {
    const { out } = await run(['inspect', folder, '--step', '1'], 60);
    const rows = out.split('\n').filter((line) => line.includes('['));
    expect(rows.length).toBeGreaterThan(4);
    for (const row of rows) expect(row.length).toBeLessThanOrEqual(60);
    expect(out).toMatch(/^\(the terminal is too narrow for .*updates\)$/m);
  });

  it('shows one sample as a picture, and one layer', async () => {
    const { indices } = await sampleOf(1);
    const even = indices.find((i) => i % 2 === 0)!;
    const { out } = await run([
      'inspect',
      folder,
      '--step',
      '1',
      '--sample',
      `${even}`,
      '--layer',
      '1',
      '--gradient',
    ]);
    expect(out).toMatch(new RegExp(`^sample ${even}  label upper  loss [\\d.]+$`, 'm'));
    expect(out).toContain('\n  ████\n\n\nparameter');
    expect(out).toContain('of sample');
    expect(out).toMatch(/^1\/kernel/m);
    expect(out).not.toMatch(/^3\/kernel/m);
    expect(out).toMatch(/^1 dense +\[1, 3\]/m);
  });

  it('prints objects', async () => {
    const { out, err } = await run(['inspect', folder, '--step', '2', '--json']);
    expect(err).toBe('');
    const [cost, page] = objects(out);
    expect(cost).toEqual({ event: 'cost', from: 0, steps: 2, seconds: 4 });
    expect(page).toMatchObject({ event: 'inspection', step: 2, epoch: 1, totalSteps: 30, isUpdated: true });
    const { samples, params, layers } = page as Readonly<Record<string, readonly Record<string, unknown>[]>>;
    expect(samples).toHaveLength(8);
    expect(samples![0]).toEqual({
      sample: expect.any(Number),
      loss: expect.any(Number),
      label: expect.any(String),
    });
    expect(params!.map(({ name }) => name)).toEqual(['1/bias', '1/kernel', '3/bias', '3/kernel']);
    expect(params![0]).toMatchObject({ shape: [3], gradient: { size: 3 }, update: { size: 3 } });
    expect(layers!.map(({ kind }) => kind)).toEqual(['function', 'dense', 'relu', 'dense']);
  });

  it('writes the tensors to a file', async () => {
    const paths = ['step.npz', 'step.safetensors'].map((name) => join(project.folder, name));
    const { out } = await run(['inspect', folder, '--step', '3', '--out', paths[0]!]);
    expect(out).toMatch(/step\.npz {2}20 tensors, [\d.]+ KiB\n$/);
    const json = await run(['inspect', folder, '--step', '3', '--out', paths[1]!, '--json']);
    expect(objects(json.out).at(-1)).toMatchObject({ event: 'written', tensors: 20 });
    const npz = decodeNpz(await readFile(paths[0]!));
    const { tensors, metadata } = decodeSafetensors(await readFile(paths[1]!));
    expect(metadata).toMatchObject({ step: '3' });
    expect(Object.keys(npz).sort()).toEqual(Object.keys(tensors).sort());
    expect(npz['layers/1']!.shape).toEqual([8, 3]);
    expect(npz['gradients/3/kernel']!.data).toEqual(tensors['gradients/3/kernel']!.data);
    await rm(paths[0]!);
  });

  it.each([
    [['--step', '31'], 'has computed 30 steps, so there is no step 31 to inspect'],
    [['--step', '0'], '--step must be one whole number of at least 1'],
    [[], 'step'],
    [['--step', '2', '--gradient'], '--gradient is the gradient of one sample; name it with --sample'],
    [['--step', '2', '--sample', '99'], 'the training data have the samples 0 to 39'],
    [['--step', '2', '--layer', '1/kernl'], "has no layer '1/kernl'; did you mean 1/kernel"],
    [['--step', '2', '--out', 'step.csv'], "--out 'step.csv' must end in .npz or .safetensors"],
  ])('refuses %j', async (options, message) => {
    const { code, out, err } = await run(['inspect', folder, ...options]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
  });

  it('refuses a folder that is no run, and names one that was meant', async () => {
    const { code, err } = await run(['inspect', `${folder}x`, '--step', '1']);
    expect([code, err]).toEqual([
      2,
      `lockstep: ${folder}x is not the folder of a run; did you mean ${folder}?\n`,
    ]);
  });
});

/** The samples of a step. */
async function sampleOf(step: number): Promise<{ readonly indices: readonly number[] }> {
  const { out } = await run(['inspect', folder, '--step', `${step}`, '--json']);
  const { samples } = objects(out).at(-1) as { readonly samples: readonly { readonly sample: number }[] };
  return { indices: samples.map(({ sample }) => sample) };
}

describe('spike', () => {
  it('says that nothing stands out, and by which rule', async () => {
    const { code, out } = await run(['spike', folder]);
    expect(code).toBe(0);
    expect(out).toBe(
      `${folder}  none of 30 values of loss stand out: 8 or more median deviations above the median of the 50 values before\n`,
    );
  });

  it('shows the steps that stand out, with their samples', async () => {
    const own = await trainedRun(project);
    await alterMetrics(own, (record) =>
      record.kind === 'step' && (record.step === 20 || record.step === 26)
        ? { ...record, metrics: { loss: record.step === 20 ? 9 : 'NaN' } }
        : record,
    );
    const { out } = await run(['spike', own]);
    const lines = out.split('\n');
    expect(lines[0]).toContain('2 of 30 values of loss stand out');
    expect(lines[1]).toMatch(/^ {2}step {2}epoch {3}loss +median +score {2}samples$/);
    expect(lines[2]).toMatch(/^ +26 +6 +NaN +0\.\d+ +∞ {2}\d+ \((upper|lower)\), .* … 8 in all$/);
    expect(lines[3]).toMatch(/^ +20 +4 +9\.000 +0\.\d+ +[\d.]+ {2}\d+/);
    expect(lines[4]).toBe(`  lockstep inspect ${own} --step 26 shows the first`);
    const { out: json } = await run(['spike', own, '--json', '--top', '1']);
    const [spike, done] = objects(json) as [{ samples: { sample: number }[] }, object];
    expect(spike).toMatchObject({ event: 'spike', step: 26, epoch: 6, value: 'NaN', score: 'Infinity' });
    expect(spike.samples.map(({ sample }) => sample)).toEqual((await sampleOf(26)).indices);
    expect(done).toEqual({ event: 'done', run: own, metric: 'loss', values: 30, spikes: 2 });
    await rm(join(own, 'experiment.mjs'));
    const without = await run(['spike', own]);
    expect(without.out).toMatch(/^ +26 +NaN +0\.\d+ +∞\n/m);
    expect(without.out).toContain('the samples are unknown: ');
  });

  it('refuses a metric that the run lacks', async () => {
    const { code, err } = await run(['spike', folder, '--metric', 'los']);
    expect([code, err]).toEqual([2, `lockstep: ${folder} has no metric 'los'; did you mean loss?\n`]);
  });
});
