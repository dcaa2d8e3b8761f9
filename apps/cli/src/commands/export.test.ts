import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointFolder, saveCheckpoint } from '@lockstep/checkpoint';
import { decodeNpz, decodeSafetensors, type Tensors } from '@lockstep/formats';
import { sha256 } from '@lockstep/tracking';
import { resolveConfig } from '@lockstep/training';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommandLine } from '../cli.ts';
import { loadExperiment } from '../experiment-file.ts';
import { createProject, type TestProject } from '../fixtures/project.ts';
import { recordingTerminal } from '../fixtures/recording.ts';
import { createRunFolder } from '../run-folder.ts';

/** A model made of methods of the key and of the input: this test's project has no library to import. */
const linear = `
import { defineExperiment } from 'lockstep';
const fields = { x: { name: 'x', shape: [2], dtype: 'float32' } };
export default defineExperiment({
  name: 'linear',
  batch: { size: 4, shards: 1 },
  data: { name: 'none', load: async () => ({ name: 'none', hash: '', splits: { train: { size: 4, fields } } }) },
  model: {
    kind: 'linear',
    init: (key) => ({ params: { bias: key.cast('float32').sum(), kernel: key.cast('float32').reshape([2, 1]) }, state: [] }),
    apply: ({ kernel, bias }, state, x) => [x.matmul(kernel).add(bias), state],
  },
});
`;

const float = (shape: readonly number[], ...values: number[]) => ({
  dtype: 'float32' as const,
  shape,
  data: Float32Array.from(values),
});
const [kernel, bias] = [float([2, 1], 2, 3), float([], 0.5)];
const tensors: Tensors = {
  'params/kernel': kernel,
  'params/bias': bias,
  'optimizer/0/kernel': float([2, 1], 9, 9),
};

let project: TestProject;
beforeEach(async () => {
  project = await createProject();
});
afterEach(() => project.remove());

/** A run of an experiment with checkpoints of steps 4 and 8. */
async function runOf(text: string): Promise<string> {
  const file = await loadExperiment(await project.write('experiment.ts', text));
  const config = resolveConfig(file.experiment, { steps: 8 });
  const { run } = await createRunFolder(join(project.folder, 'runs'), file, config, 'portable');
  await run.close();
  const folder = checkpointFolder(run.folder);
  await saveCheckpoint(folder, { step: 4, header: {}, tensors: { ...tensors, 'params/bias': float([], 0) } });
  await saveCheckpoint(folder, { step: 8, header: { fingerprint: 'f00' }, tensors });
  return run.folder;
}

async function run(...argv: string[]) {
  const terminal = recordingTerminal();
  const code = await runCommandLine(['export', ...argv], terminal);
  return { code, out: terminal.out.text(), err: terminal.err.text() };
}

describe('export', () => {
  it('reports a parameter that is not finite, and exports it', async () => {
    const folder = await runOf(linear);
    const diverged = { ...tensors, 'params/bias': float([], Number.NaN) };
    await saveCheckpoint(checkpointFolder(folder), { step: 9, header: {}, tensors: diverged });
    const out = join(project.folder, 'model.npz');
    const { code, err } = await run(folder, '--out', out);
    expect([code, err]).toEqual([
      0,
      'lockstep: params/bias has values that are not finite at step 9; the file contains them unchanged\n',
    ]);
    expect((await run(folder, '--step', '8', '--out', out)).err).toBe('');
  });

  it('writes the newest parameters as safetensors, with their origin', async () => {
    const folder = await runOf(linear);
    const out = join(project.folder, 'model.safetensors');
    const { code, out: said } = await run(folder, '--out', out);
    const bytes = await readFile(out);
    expect(code).toBe(0);
    expect(said.split('\n')).toEqual([
      `${out}  ${bytes.length} B`,
      `  from       ${folder}, step 8`,
      '  tensors    params.bias [], params.kernel [2, 1]',
      `  sha256     ${sha256(bytes)}`,
      '',
    ]);
    const { tensors: found, metadata } = decodeSafetensors(bytes);
    expect(found).toEqual({ 'params.kernel': kernel, 'params.bias': bias });
    expect(metadata).toMatchObject({ name: 'linear', step: '8', fingerprint: 'f00' });
  });

  it('writes the parameters of an earlier step as NPZ, for scripts', async () => {
    const folder = await runOf(linear);
    const out = join(project.folder, 'model.npz');
    const { code, out: said } = await run(folder, '--step', '4', '--out', out, '--json');
    const bytes = await readFile(out);
    expect(code).toBe(0);
    const facts = { exported: out, format: 'npz', step: 4, bytes: bytes.length, sha256: sha256(bytes) };
    expect(JSON.parse(said)).toMatchObject(facts);
    expect(decodeNpz(bytes)['params.bias']).toEqual(float([], 0));
  });

  it('writes the model as ONNX', async () => {
    const folder = await runOf(linear);
    const out = join(project.folder, 'model');
    const { code, out: said, err } = await run(folder, '--format', 'onnx', '--out', out);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(said).toMatch(
      /\n {2}inputs {5}x float32 \[batch, 2\]\n {2}outputs {4}output float32 \[batch, 1\]\n/,
    );
    expect(said).toMatch(/\n {2}operators {2}MatMul 1, Add 1\n/);
    const bytes = await readFile(out);
    expect(bytes.includes('params.kernel')).toBe(true);
    expect(bytes.includes(Buffer.from(kernel.data.buffer))).toBe(true);
  });

  it('reports mistakes', async () => {
    const folder = await runOf(linear.replace('model: {', 'init: () => ({}), nothing: {'));
    const at = (name: string) => join(project.folder, name);
    expect(await run(folder, '--step', '5')).toMatchObject({
      code: 2,
      err: expect.stringContaining('has no checkpoint of step 5; it has those of steps 4, 8'),
    });
    const empty = await loadExperiment(project.tiny);
    const { run: none } = await createRunFolder(
      at('runs'),
      empty,
      resolveConfig(empty.experiment),
      'portable',
    );
    await none.close();
    expect(await run(none.folder)).toMatchObject({
      code: 2,
      err: expect.stringContaining('has no checkpoint yet; one is written every --checkpoint-every'),
    });
    expect(await run(folder, '--format', 'onnx')).toMatchObject({
      code: 1,
      err: expect.stringContaining('linear has a loss of its own and no model of layers'),
    });
    expect(await run(folder, '--out', at('none/x.npz'))).toMatchObject({
      code: 2,
      err: expect.stringContaining('none/x.npz cannot be written'),
    });
    expect(await run(at('runs'))).toMatchObject({
      code: 2,
      err: expect.stringContaining('is not the folder of a run'),
    });
    expect(await run(folder, '--format', 'h5')).toMatchObject({
      code: 2,
      err: expect.stringContaining('must be one of safetensors, npz, onnx, not'),
    });
  });
});
