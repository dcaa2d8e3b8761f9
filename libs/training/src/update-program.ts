/** The update program: it divides the reduced sums once, adds the penalty's gradient and applies the optimizer. */
import { type Plan, stack, type Tensor } from '@lockstep/autodiff';
import { applyUpdates, globalNorm, stepMetricsOf, type TensorTree } from '@lockstep/optim';
import { guardGroups, itemsOf, pack, placesOf, sumGroups, unpack, updateSignature } from '@lockstep/run';
import { flatten, unflatten } from '@lockstep/tree';
import { explained } from './asked.ts';
import type { ProgramParts } from './block-programs.ts';
import { evaluationGroups, stepGroups } from './metrics.ts';
import { planNamed } from './planned.ts';
import { stepMeans } from './step-means.ts';
import { leavesLike } from './trees.ts';

export function planUpdate(
  { cache, task, trees, form }: ProgramParts,
  linkMetrics: readonly string[],
  totalSteps: number,
): Plan {
  const { inPlace, ...signature } = updateSignature(form);
  const columns = placesOf(sumGroups(form));
  const means = unpack(evaluationGroups(task), columns.metrics);
  const reported = stepGroups(task, linkMetrics);
  return planNamed(
    cache,
    signature,
    (inputs) => {
      const { sums, step } = inputs;
      const params = unflatten(trees.params.structure, inputs.params);
      const gradientSums: TensorTree = unflatten(trees.params.structure, inputs.gradientSums);
      const { samples, loss, grads } = stepMeans(task, form, params, { gradients: gradientSums, sums });
      const progress = { step, totalSteps, loss, samples };
      const optState = unflatten(trees.optState.structure, inputs.optState);
      const [updates, nextOptState] = explained(() =>
        task.optimizer.update(grads, optState, params, progress),
      );
      const optLeaves = leavesLike(trees.optState, nextOptState);
      const links = stepMetricsOf(nextOptState);
      const metrics = means.metrics.map((column) => sums.at(column).div(samples));
      const ofLinks = linkMetrics.map((name) => links[name]!.cast('float32'));
      const gradientNorm = globalNorm(grads);
      const gradients = form.hasPenalty ? [zeroIfFinite(grads)] : [];
      return {
        params: leavesLike(trees.params, applyUpdates(params, updates)),
        optState: optLeaves,
        guard: stack(pack(guardGroups(form), { loss, gradientNorm, gradients })),
        stepMetrics: stack(pack(reported, { loss, gradientNorm, metrics, linkMetrics: ofLinks })),
      };
    },
    { outputs: 'given', numInPlace: itemsOf(inPlace).length, ahead: placesOf(signature.outputs).guard },
  );
}

/** 0, or NaN where any element is not finite: 0·x is 0 for every finite x. [] */
const zeroIfFinite = (tree: TensorTree): Tensor =>
  flatten(tree)
    .leaves.map((leaf) => leaf.mul(0).sum())
    .reduce((total, zero) => total.add(zero));
