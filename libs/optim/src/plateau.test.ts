import { tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { float, progressAt } from './fixtures/runs.ts';
import { type PlateauOptions, reduceOnPlateau } from './plateau.ts';

/** The scale after each loss. */
function scalesOf(options: PlateauOptions, losses: readonly number[]): number[] {
  const link = reduceOnPlateau(options);
  const grads = { w: float([1]) };
  let state = link.init(grads);
  return losses.map((loss, k) => {
    const progress = { ...progressAt(k), loss: tensor(loss, { dtype: 'float32' }) };
    [, state] = link.update(grads, state, grads, progress);
    return state.scale.item();
  });
}

describe('reduceOnPlateau', () => {
  it('tolerates `patience` bad rounds and lowers the scale at the next', () => {
    expect(scalesOf({ factor: 0.5, patience: 2 }, [1, 1, 1, 1, 1, 1, 1])).toEqual([
      1, 1, 1, 0.5, 0.5, 0.5, 0.25,
    ]);
  });

  it('starts counting again at a better loss', () => {
    expect(scalesOf({ factor: 0.5, patience: 1 }, [4, 4, 3, 3, 2, 2, 2])).toEqual([1, 1, 1, 1, 1, 1, 0.5]);
  });

  it('requires an improvement by its tolerances', () => {
    const falling = [10, 9.5, 9, 8.5];
    expect(scalesOf({ factor: 0.5, patience: 0, relativeTolerance: 0.04 }, falling)).toEqual([1, 1, 1, 1]);
    expect(scalesOf({ factor: 0.5, patience: 0, relativeTolerance: 0.06 }, falling)).toEqual([
      1, 0.5, 0.5, 0.25,
    ]);
    const absolute = { factor: 0.5, patience: 0, relativeTolerance: 0, absoluteTolerance: 0.5 };
    // An equal loss is not better.
    expect(scalesOf(absolute, falling)).toEqual([1, 0.5, 0.5, 0.25]);
  });

  it('weights the losses of a round by their samples', () => {
    const link = reduceOnPlateau({ every: 2, patience: 0, factor: 0.5 });
    const grads = { w: float([1]) };
    let state = link.init(grads);
    // Means over 3 + 1 samples: 2, then (3·1 + 4.6)/4 = 1.9, which is better; means over steps would be 3 and 2.8, then
    // 1.7 and 3.
    const steps = [
      [1, 3],
      [5, 1],
      [1, 3],
      [4.6, 1],
      [0.4, 1],
      [2.4, 3],
    ] as const;
    const scales = steps.map(([loss, samples], k) => {
      const progress = {
        ...progressAt(k),
        loss: float([loss]).reshape([]),
        samples: float([samples]).reshape([]),
      };
      [, state] = link.update(grads, state, grads, progress);
      return [state.scale.item(), state.best.item()];
    });
    expect(scales[1]).toEqual([1, 2]);
    expect(scales[3]![1]).toBeCloseTo(1.9, 6);
    // 1.9 again; the mean over steps would be 1.4.
    expect(scales[5]![0]).toBe(0.5);
  });

  it('compares the mean of a round', () => {
    const options = { factor: 0.5, patience: 0, every: 3 };
    // Means 2, 1, 2: only the last round is worse.
    expect(scalesOf(options, [1, 2, 3, 0, 3, 0, 2, 2, 2])).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0.5]);
  });

  it('stops at the lower bound', () => {
    expect(scalesOf({ factor: 0.1, patience: 0, minScale: 0.25 }, [1, 1, 1])).toEqual([1, 0.25, 0.25]);
  });

  it('treats a loss of NaN as bad, and recovers', () => {
    const losses = [1, Number.NaN, 0.5, 0.25];
    expect(scalesOf({ factor: 0.5, patience: 0 }, losses)).toEqual([1, 0.5, 0.5, 0.5]);
  });

  it('needs a loss', () => {
    const link = reduceOnPlateau();
    const grads = { w: float([1]) };
    const { step, totalSteps } = progressAt(0);
    expect(() => link.update(grads, link.init(grads), grads, { step, totalSteps })).toThrow(
      /reduceOnPlateau: the progress has no loss; give/,
    );
  });
});
