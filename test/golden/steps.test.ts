/** Every layer and loss that also exists in PyTorch gives its results over 50 steps in float64. */
import { concatenate, logSoftmax, softplus, split, type Tensor } from '@lockstep/autodiff';
import { asLayer, embedding, type TensorTree } from '@lockstep/nn';
import * as tree from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { layers, losses } from './cases.ts';
import { castTree, distance, readReference } from './reference.ts';
import { expectSteps, key, training } from './training.ts';

const [reference, modules] = [readReference('steps'), readReference('modules')];
const rate = 0.05;

/** The layers or losses that the file holds. */
const held = (kind: string): string[] =>
  reference.names
    .filter((name) => name.startsWith(`${kind}/`) && name.endsWith('/loss'))
    .map((name) => name.slice(kind.length + 1, -'/loss'.length))
    .sort();

describe('layers follow PyTorch for 50 steps', () => {
  it.each(Object.entries(layers))('%s', (name, item) => {
    const layer = asLayer(item);
    const first = (path: string): Tensor => modules(`${name}/${path}`);
    const x = first('x');
    const initial = layer.init(key, x.shape.slice(1));
    const state = castTree(initial.state, 'float64');
    const named = (of: (path: string) => Tensor): TensorTree => {
      const leaves = tree.leafPaths(initial.params).map((path) => of(`params/${path}`));
      return {
        x: of('x'),
        params: tree.unflatten(tree.flatten(initial.params).structure, leaves) as TensorTree,
      };
    };
    const target = first('upstream');
    const trained = expectSteps({
      lossOf: (all) => {
        const { x, params } = all as { x: Tensor; params: TensorTree };
        return layer.apply(params, state, x, training(x))[0].sub(target).square().mean();
      },
      initial: named(first),
      losses: reference(`layers/${name}/loss`),
      rate,
    });
    expect(
      distance(
        trained,
        named((path) => reference(`layers/${name}/${path}`)),
      ),
    ).toBeLessThan(1e-9);
  });

  it('embedding', () => {
    const of = (part: string): Tensor => reference(`embedding/${part}`);
    const layer = embedding(6, 4);
    const [indices, target] = [of('indices'), of('target').cast('float64')];
    const trained = expectSteps({
      lossOf: (params) => {
        const [rows] = layer.apply(params as never, {}, indices, training(indices));
        return rows.sub(target).square().mean();
      },
      initial: { table: of('initial') },
      losses: of('loss'),
      rate,
    });
    expect(distance(trained, { table: of('table') })).toBeLessThan(1e-9);
  });

  it('all that the file holds', () => {
    expect(held('layers')).toEqual(Object.keys(layers).sort());
  });
});

/** Log-probabilities, and means beside variances above 0, of any scores. */
const heads: Readonly<Record<string, (scores: Tensor) => Tensor>> = {
  negativeLogLikelihood: (scores) => logSoftmax(scores),
  klDivergence: (scores) => logSoftmax(scores),
  'klDivergence/logTarget': (scores) => logSoftmax(scores),
  gaussianNegativeLogLikelihood(scores) {
    const [means, widths] = split(scores, 2, 1) as [Tensor, Tensor];
    return concatenate([means, softplus(widths)], 1);
  },
};

describe('losses follow PyTorch for 50 steps', () => {
  it.each(Object.entries(losses))('%s', (name, loss) => {
    const of = (part: string): Tensor => reference(`losses/${name}/${part}`);
    const head = heads[name] ?? ((scores) => scores);
    const trained = expectSteps({
      lossOf: (params) => loss(head((params as { scores: Tensor }).scores), of('target')).mean(),
      initial: { scores: of('initial') },
      losses: of('loss'),
      rate,
    });
    expect(distance(trained, { scores: of('scores') })).toBeLessThan(1e-9);
  });

  it('all that the file holds', () => {
    expect(held('losses')).toEqual(Object.keys(losses).sort());
  });
});
