/** Optimizers under prescribed gradients go PyTorch's way. */
import { tensor } from '@lockstep/autodiff';
import { adam, adamw, applyUpdates, type GradientTransformation, sgd } from '@lockstep/optim';
import { describe, expect, it } from 'vitest';
import { distance, precisions, readReference } from './reference.ts';

const reference = readReference('optimizers');
const numSteps = reference('gradients').shape[0]!;

const optimizers: Readonly<Record<string, GradientTransformation<unknown>>> = {
  sgd: sgd(0.1),
  momentum: sgd(0.1, { momentum: 0.9 }),
  nesterov: sgd(0.1, { momentum: 0.9, nesterov: true }),
  adam: adam(0.01),
  adamw: adamw(0.01, { weightDecay: 0.1 }),
};

describe.each(Object.entries(optimizers))('%s', (name, optimizer) => {
  for (const { dtype, suffix } of precisions) {
    it(`follows PyTorch in ${dtype}`, () => {
      const trajectory = reference(`${name}/trajectory${suffix}`);
      let params = { w: reference('initial').cast(dtype) };
      let state = optimizer.init(params);
      let worst = 0;
      for (let k = 0; k < numSteps; k++) {
        const grads = { w: reference('gradients').at(k).cast(dtype) };
        const progress = { step: tensor(k, { dtype: 'float32' }), totalSteps: numSteps };
        const [updates, next] = optimizer.update(grads, state, params, progress);
        params = applyUpdates(params, updates);
        state = next;
        worst = Math.max(worst, distance(params.w, trajectory.at(k)));
      }
      expect(worst).toBeLessThan(dtype === 'float64' ? 1e-14 : 1e-6);
    });
  }
});
