import { flatten, leafPaths } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { clipByGlobalNorm } from './clipping.ts';
import { dataOf, finalOf, gradsAt, params, progressAt, run } from './fixtures/runs.ts';
import { freeze, masked, multiTransform } from './masks.ts';
import { adam, sgd } from './optimizers.ts';
import { scaleBy } from './scaling.ts';
import { chain } from './transformation.ts';

const paths = leafPaths(params);
const isBias = (path: string) => path.endsWith('bias');

describe('masked', () => {
  it('applies to selected parameters and passes the updates of others on', () => {
    const link = masked(scaleBy(10), isBias);
    const grads = gradsAt(3);
    const [updates] = link.update(grads, link.init(params), params, progressAt(3));
    const expected = flatten(grads).leaves.map((g, i) => (isBias(paths[i]!) ? g.mul(10) : g));
    expect(dataOf(updates)).toEqual(dataOf(expected));
  });

  it('keeps state for selected parameters only, under their paths', () => {
    const state = masked(adam(0.1), isBias, { rest: 'zero' }).init(params);
    expect(leafPaths(state[0].first)).toEqual(paths.filter(isBias));
  });

  it('gives the mask path and shape of every parameter', () => {
    const seen: string[] = [];
    const link = masked(scaleBy(1), (path, shape) => seen.push(`${path} [${shape}]`) > 0);
    link.init(params);
    expect(seen).toEqual([
      'layers/0/bias [3]',
      'layers/0/kernel [2,3]',
      'layers/2/bias [1]',
      'layers/2/kernel [3,1]',
      'scale []',
    ]);
  });

  it('takes norms over selected parameters only', () => {
    const link = masked(clipByGlobalNorm(1e-3), isBias);
    const grads = gradsAt(2);
    const [updates] = link.update(grads, link.init(params), params, progressAt(2));
    const squares = flatten(updates)
      .leaves.filter((_, i) => isBias(paths[i]!))
      .map((leaf) => leaf.square().sum().item());
    expect(Math.sqrt(squares.reduce((a, b) => a + b))).toBeCloseTo(1e-3, 5);
  });

  it('refuses a mask that selects nothing, and lists the parameters', () => {
    expect(() => masked(scaleBy(2), (path) => path === 'layers/1/kernel').init(params)).toThrow(
      /masked: the mask matches none of the 5 parameters \(layers\/0\/bias, .*scale\); correct the condition/,
    );
  });
});

describe('multiTransform', () => {
  it('trains each parameter like its own optimizer', () => {
    const mixed = finalOf(
      multiTransform({ slow: sgd(0.01), fast: adam(0.1) }, (path) => (isBias(path) ? 'slow' : 'fast')),
    );
    const [slow, fast] = [finalOf(sgd(0.01)), finalOf(adam(0.1))];
    for (const [i, path] of paths.entries()) expect(mixed[i], path).toEqual((isBias(path) ? slow : fast)[i]);
  });

  it('freezes parameters even if a gradient is NaN', () => {
    const optimizer = multiTransform({ still: freeze(), body: sgd(0.1) }, (path) =>
      path === 'scale' ? 'still' : 'body',
    );
    const broken = { ...(gradsAt(0) as object), scale: flatten(gradsAt(0)).leaves.at(-1)!.mul(Number.NaN) };
    const [updates] = optimizer.update(broken, optimizer.init(params), params, progressAt(0));
    expect(flatten(updates).leaves.at(-1)!.item()).toBe(0);
    const [, after] = run(optimizer).at(-1)!;
    expect(dataOf(after).at(-1)).toEqual(dataOf(params).at(-1));
  });

  it('nests, with chains and masks', () => {
    const inner = multiTransform({ a: sgd(0.1), b: sgd(0.2) }, (_path, shape) =>
      shape.length > 1 ? 'a' : 'b',
    );
    const nested = chain(
      multiTransform({ inner, still: freeze() }, (path) => (path === 'scale' ? 'still' : 'inner')),
    );
    const expected = finalOf(
      multiTransform({ a: sgd(0.1), b: sgd(0.2), still: freeze() }, (path, shape) =>
        path === 'scale' ? 'still' : shape.length > 1 ? 'a' : 'b',
      ),
    );
    expect(finalOf(nested)).toEqual(expected);
  });

  it('refuses a label without a transformation, and one without parameters', () => {
    const labelled = (label: string) => multiTransform({ a: sgd(0.1), b: freeze() }, () => label as 'a');
    expect(() => labelled('c').init(params)).toThrow(
      /parameter layers\/0\/bias has the label 'c', but there are transformations for a, b; add one/,
    );
    expect(() => labelled('a').init(params)).toThrow(/the label 'b' matches none of the 5 parameters/);
  });
});
