import { tensor, useProfile } from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import { dense, dropout, l2, relu, sequential, softmaxCrossEntropy } from '@lockstep/nn';
import { adam, chain, clipByGlobalNorm, sgd } from '@lockstep/optim';
import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import type { ModelExperiment } from './experiment.ts';
import { hashesOf } from './program-hashes.ts';
import { compilePrograms } from './programs.ts';
import { resolveConfig } from './resolve-config.ts';

const data = fromArrays(
  {
    x: Array.from({ length: 12 }, (_, i) => [i / 12, (i % 5) / 4]),
    y: Array.from({ length: 12 }, (_, i) => i % 3),
  },
  { name: 'remainders', dtypes: { y: 'int32' }, split: { validation: 0.25 } },
);

const base: ModelExperiment = {
  data,
  model: sequential(dense(4), relu, dense(3)),
  loss: softmaxCrossEntropy(),
  optimizer: adam(0.01),
  batch: { size: 4, shards: 2 },
};

async function hashes(changes: Partial<ModelExperiment> = {}, before = () => {}) {
  before();
  const experiment = defineExperiment({ ...base, ...changes });
  const config = resolveConfig(experiment);
  const dataset = await experiment.data.load();
  return hashesOf(compilePrograms(experiment, dataset, config, 10), experiment.earlyStopping);
}

/** The names of the hashes that a change moves. */
async function moved(changes: Partial<ModelExperiment>): Promise<string[]> {
  const [one, other] = [await hashes(), await hashes(changes)];
  return Object.keys(one).filter((name) => one[name as 'step'] !== other[name as 'step']);
}

describe('hashesOf', () => {
  it('gives the same hashes each time', async () => {
    expect(await hashes()).toEqual(await hashes());
    for (const hash of Object.values(await hashes())) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('does not depend on the profile', async () => {
    try {
      expect(await hashes({}, () => useProfile('fma'))).toEqual(
        await hashes({}, () => useProfile('portable')),
      );
    } finally {
      useProfile('portable');
    }
  });

  it.each<[string, Partial<ModelExperiment>, readonly string[]]>([
    ['a learning rate', { optimizer: adam(0.02) }, ['update']],
    ['an optimizer with other state', { optimizer: sgd(0.01) }, ['initialisation', 'update', 'settings']],
    ['clipping', { optimizer: chain(clipByGlobalNorm(1), adam(0.01)) }, ['update']],
    ['a penalty', { penalty: l2(1e-3) }, ['update']],
    ['a constant in the loss', { loss: (o, y, b) => base.loss(o, y, b).mul(0.5) }, ['step', 'evaluation']],
    [
      'an array in the loss',
      { loss: (o, y, b) => base.loss(o.mul(tensor(Float32Array.of(1, 1, 1.0000001))), y, b) },
      ['step', 'evaluation'],
    ],
    ['dropout', { model: sequential(dense(4), relu, dropout(0.5), dense(3)) }, ['step', 'settings']],
    [
      'a wider layer',
      { model: sequential(dense(5), relu, dense(3)) },
      ['initialisation', 'step', 'update', 'evaluation', 'settings'],
    ],
    [
      'a metric',
      { metrics: { double: (o, y, b) => base.loss(o, y, b).mul(2) } },
      ['step', 'update', 'evaluation', 'settings'],
    ],
    ['early stopping', { earlyStopping: { metric: 'validation/loss', patience: 2 } }, ['settings']],
  ])('covers %s', async (_what, changes, names) => {
    expect(await moved(changes)).toEqual(expect.arrayContaining([...names]));
  });

  it('covers every setting of early stopping, and fills in defaults', async () => {
    const stopping = { metric: 'validation/loss', patience: 2 };
    const of = async (changes: object) =>
      (await hashes({ earlyStopping: { ...stopping, ...changes } })).settings;
    expect(await of({ minDelta: 0, mode: 'min' })).toBe(await of({}));
    const others = await Promise.all([
      of({}),
      of({ patience: 3 }),
      of({ minDelta: 0.1 }),
      of({ mode: 'max' }),
    ]);
    expect(new Set(others).size).toBe(4);
  });
});
