import { describe, expect, it } from 'vitest';
import reference from '../../fixtures/gaussian-process.json' with { type: 'json' };
import { logExpectedImprovement, logImprovement } from './acquisition.ts';
import { minimizeInBox } from './box.ts';
import { likelihoodGradient, posteriorOf, predict } from './regression.ts';

const posteriorOfCase = ({
  inputs,
  targets,
  lengthScales,
  variance,
  noise,
}: (typeof reference.cases)[number]) =>
  posteriorOf(
    {
      inputs: Float64Array.from(inputs.flat()),
      targets: Float64Array.from(targets),
      isOptions: lengthScales.map(() => false),
    },
    { lengthScales: Float64Array.from(lengthScales), variance, noise },
  )!;

describe.each(reference.cases)(`$inputs.length observations`, (one) => {
  const posterior = posteriorOfCase(one);
  const near = (found: number, expected: number) => expect(Math.abs(found - expected)).toBeLessThan(1e-9);

  it(`the posterior is that of ${reference.source}`, () => {
    for (const [i, at] of one.at.entries()) {
      const { mean, variance } = predict(posterior, Float64Array.from(at));
      near(mean, one.mean[i]!);
      near(variance + one.noise, one.varianceWithNoise[i]!);
    }
  });

  it('so are the likelihood and its gradient', () => {
    near(posterior.logLikelihood, one.logLikelihood);
    const d = one.lengthScales.length;
    const found = likelihoodGradient(posterior);
    const [byVariance, ...rest] = one.gradient;
    const expected = [...rest.slice(0, d), byVariance!, rest[d]!];
    for (const [i, slope] of found.entries()) near(slope, expected[i]!);
  });

  it('slopes of a prediction are those of differences', () => {
    const at = Float64Array.from(one.at[0]!);
    const { meanGradient, varianceGradient } = predict(posterior, at);
    const improvement = logExpectedImprovement(predict(posterior, at), -0.5);
    const h = 1e-5;
    for (const [k] of at.entries()) {
      const [up, down] = [1, -1].map((sign) => {
        const moved = predict(
          posterior,
          at.map((x, i) => (i === k ? x + sign * h : x)),
        );
        return { ...moved, improvement: logExpectedImprovement(moved, -0.5).value };
      });
      expect((up!.mean - down!.mean) / (2 * h)).toBeCloseTo(meanGradient[k]!, 6);
      expect((up!.variance - down!.variance) / (2 * h)).toBeCloseTo(varianceGradient[k]!, 6);
      const slope = (up!.improvement - down!.improvement) / (2 * h);
      expect(Math.abs(slope - improvement.gradient[k]!)).toBeLessThan(1e-5 * (1 + Math.abs(slope)));
    }
  });
});

it('the improvement is smooth where its formula changes', () => {
  // Values of φ(z) + z·Φ(z) with 40 digits, as logarithms.
  expect(logImprovement(0)).toBeCloseTo(Math.log(1 / Math.sqrt(2 * Math.PI)), 14);
  const [left, right] = [logImprovement(-30 - 1e-9), logImprovement(-30 + 1e-9)];
  // The slope there is about −z.
  expect(Math.abs(left - right + 30 * 2e-9)).toBeLessThan(1e-8);
  expect(logImprovement(-100)).toBeCloseTo(
    -0.5 * 1e4 - Math.log(Math.sqrt(2 * Math.PI)) - Math.log(1e4) - 3e-4,
    6,
  );
});

describe('minimizeInBox', () => {
  const rosenbrock = ([x = 0, y = 0]: Float64Array) => ({
    value: 100 * (y - x * x) ** 2 + (1 - x) ** 2,
    gradient: Float64Array.of(-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)),
  });
  const box = (lo: number, hi: number) => ({
    ...{ lower: Float64Array.of(lo, lo), upper: Float64Array.of(hi, hi), maxIterations: 200 },
  });

  it('finds a minimum inside', () => {
    const { point, value } = minimizeInBox(rosenbrock, Float64Array.of(-1.2, 1), box(-2, 2));
    expect(value).toBeLessThan(1e-12);
    expect(point[0]).toBeCloseTo(1, 5);
  });

  it('finds a minimum at the border', () => {
    const { point } = minimizeInBox(rosenbrock, Float64Array.of(-1.2, 0.3), box(-2, 0.5));
    expect(point[0]).toBe(0.5);
    expect(point[1]).toBeCloseTo(0.25, 6);
  });
});
