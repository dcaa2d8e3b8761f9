import { describe, expect, it } from 'vitest';
import reference from '../../fixtures/parzen.json' with { type: 'json' };
import { choice, type Domain, integer, logUniform, uniform } from '../../index.ts';
import { axisOf } from '../../space/axis.ts';
import { type ModelAxis, observationWeights, Parzen } from './parzen.ts';

const domains: Readonly<Record<string, Domain>> = {
  number: uniform(-5, 10),
  logarithm: logUniform(1e-4, 1e-1),
  stepped: uniform(0, 0.75, { step: 0.25 }),
  whole: integer(1, 8),
  option: choice(['a', 'b', 'c']),
};

const axesOf = (names: readonly string[]) => names.map((name) => axisOf(domains[name]!) as ModelAxis);
const coordinates = (axes: readonly ModelAxis[], row: readonly number[]) =>
  row.map((value, i) => {
    const axis = axes[i]!;
    return axis.kind === 'options' ? value : axis.toCoordinate(value);
  });

describe(`densities are those of ${reference.source}`, () => {
  it.each(reference.cases.map((one) => ({ ...one, count: one.observed.length })))(
    '$names, multivariate: $multivariate, $count observations',
    ({ names, multivariate, observed, at, logDensity }) => {
      const axes = axesOf(names);
      const points = observed.map((row) => coordinates(axes, row));
      const parzen = new Parzen(axes, points, { priorWeight: 1, multivariate });
      for (const [i, row] of at.entries()) {
        const found = parzen.logDensity(coordinates(axes, row));
        expect(Math.abs(found - logDensity[i]!)).toBeLessThan(1e-9 * (1 + Math.abs(logDensity[i]!)));
      }
    },
  );
});

describe('draws', () => {
  it('follow the density', () => {
    const axes = axesOf(['whole', 'option']);
    const parzen = new Parzen(
      axes,
      [
        [3, 0],
        [3, 1],
        [8, 2],
      ],
      { priorWeight: 1, multivariate: true },
    );
    const counts = new Map<string, number>();
    const [numPicks, numWholes, numOptions] = [4, 200, 30];
    for (let c = 0; c < numPicks; c++) {
      for (let i = 0; i < numWholes; i++) {
        for (let j = 0; j < numOptions; j++) {
          const uniforms = [(i + 0.5) / numWholes, (j + 0.5) / numOptions];
          const key = parzen.sample((c + 0.5) / numPicks, uniforms).join();
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
      }
    }
    for (let whole = 1; whole <= 8; whole++) {
      for (let option = 0; option < 3; option++) {
        const share = (counts.get(`${whole},${option}`) ?? 0) / (numPicks * numWholes * numOptions);
        expect(Math.abs(share - Math.exp(parzen.logDensity([whole, option])))).toBeLessThan(0.01);
      }
    }
  });
});

it('the last 25 observations count fully', () => {
  expect(observationWeights(3)).toEqual([1, 1, 1]);
  expect(observationWeights(26).slice(0, 2)).toEqual([1 / 26, 1]);
  expect(observationWeights(28).slice(0, 4)).toEqual([1 / 28, 1 / 28 + (1 - 1 / 28) / 2, 1, 1]);
});
