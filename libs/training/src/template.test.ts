import { zeros } from '@lockstep/autodiff';
import { fromArrays } from '@lockstep/data';
import { dense, sequential } from '@lockstep/nn';
import { adam, sgd } from '@lockstep/optim';
import { param } from '@lockstep/params';
import { expect, expectTypeOf, it } from 'vitest';
import {
  compilePrograms,
  defineExperiment,
  type Experiment,
  type ExperimentTemplate,
  hashesOf,
  isExperiment,
  isTemplate,
  resolveConfig,
  resolveExperiment,
  trainLocally,
} from './index.ts';

const data = fromArrays({ x: [[1], [2], [3], [4]], y: [2, 4, 6, 8] });

const fixed = (rate: number, width: number, name: 'adam' | 'sgd'): Experiment =>
  defineExperiment({
    data,
    model: sequential(dense(width), dense(1)),
    loss: (outputs, y) => outputs.reshape([-1]).sub(y).square(),
    optimizer: name === 'adam' ? adam(rate) : sgd(rate),
    batch: { size: 4, shards: 2 },
    steps: 3,
  });

const template = defineExperiment(
  {
    params: {
      rate: param.number(1e-3, { min: 0 }),
      width: param.integer(4, { min: 1 }),
      optimizer: param.choice('adam', 'sgd'),
    },
  },
  ({ rate, width, optimizer }) => {
    expectTypeOf({ rate, width, optimizer }).toEqualTypeOf<{
      rate: number;
      width: number;
      optimizer: 'adam' | 'sgd';
    }>();
    return {
      data,
      model: sequential(dense(width), dense(1)),
      loss: (outputs, y) => outputs.reshape([-1]).sub(y).square(),
      optimizer: optimizer === 'adam' ? adam(rate) : sgd(rate),
      batch: { size: 4, shards: 2 },
      steps: 3,
    };
  },
);

async function fingerprintOf(experiment: Experiment): Promise<string> {
  const config = resolveConfig(experiment);
  return trainLocally({ experiment, dataset: await data.load(), config }).fingerprint;
}

it('a template is no experiment, and an experiment no template', () => {
  expect([isTemplate(template), isExperiment(template)]).toEqual([true, false]);
  const experiment = fixed(1e-3, 4, 'adam');
  expect([isTemplate(experiment), isExperiment(experiment)]).toEqual([false, true]);
});

it('a run of a template is the run of the experiment with its values written out', async () => {
  const defaults = resolveExperiment(template);
  expect(defaults.params).toEqual({ rate: 1e-3, width: 4, optimizer: 'adam' });
  expect(await fingerprintOf(defaults.experiment)).toBe(await fingerprintOf(fixed(1e-3, 4, 'adam')));
  const other = resolveExperiment(template, { rate: 0.01, optimizer: 'sgd' });
  expect(other.params).toEqual({ rate: 0.01, width: 4, optimizer: 'sgd' });
  expect(await fingerprintOf(other.experiment)).toBe(await fingerprintOf(fixed(0.01, 4, 'sgd')));
});

it('the values are in the programs that workers compare', async () => {
  const dataset = await data.load();
  const hashes = [{}, { rate: 0.01 }, { rate: 1e-3 }].map((given) => {
    const { experiment } = resolveExperiment(template, given);
    return hashesOf(compilePrograms(experiment, dataset, resolveConfig(experiment), 3), undefined);
  });
  expect(hashes[1]!.update).not.toBe(hashes[0]!.update);
  expect(hashes[1]!.step).toBe(hashes[0]!.step);
  expect(hashes[2]).toEqual(hashes[0]);
});

it('a template may have a loss of its own, whose parameters have a type', () => {
  const own = defineExperiment({ params: { rate: param.number(0.1) } }, ({ rate }) => ({
    data,
    init: () => ({ w: zeros([1], 'float32') }),
    loss: ({ w }, { x, y }) => x.matmul(w).sub(y).square(),
    optimizer: sgd(rate),
    batch: { size: 4, shards: 1 },
  }));
  expectTypeOf(own).toExtend<ExperimentTemplate>();
  expect(resolveExperiment(own, { rate: 0.2 }).params).toEqual({ rate: 0.2 });
});

it('an experiment without parameters takes none', () => {
  const experiment = fixed(1e-3, 4, 'adam');
  expect(resolveExperiment(experiment)).toEqual({ experiment });
  expect(() => resolveExperiment(experiment, { rate: 1 })).toThrow("no parameter 'rate'; it declares none");
});

it.each([
  [() => resolveExperiment(template, { rat: 1 }), "no parameter 'rat'; did you mean 'rate'?"],
  [() => resolveExperiment(template, { rate: -1 }), "'rate' must be a finite number of at least 0, not -1"],
  [
    () => resolveExperiment(template, { width: 2.5 }),
    "'width' must be a whole number of at least 1, not 2.5",
  ],
  [
    () => resolveExperiment(defineExperiment({ params: {} }, () => ({ data }) as never)),
    'defineExperiment: batch must be an object such as { size: 64 }, and is missing',
  ],
  [
    () => defineExperiment({ params: {}, data } as never, () => fixed(1, 1, 'sgd') as never),
    "'data' stands beside params; give the declared parameters first",
  ],
  [() => defineExperiment({ params: {} } as never), 'its second argument is no function'],
  [() => defineExperiment({ params: { rate: 0.1 } } as never, (() => ({})) as never), 'param.number(0.1)'],
])('refuses %s', (run, message) => {
  expect(run).toThrow(message);
});
