/** Plans of programs with named inputs and outputs. */
import type { Aval, Plan, PlanOptions, Tensor } from '@lockstep/autodiff';
import { invariant } from '@lockstep/errors';
import { type Grouped, type Groups, itemsOf, pack, unpack } from '@lockstep/run';
import { sameShape } from '@lockstep/tensor';
import type { PlanCache } from './plan-cache.ts';
import { planPure } from './pure.ts';

/** Plans `program`, whose outputs must have the element types and shapes of the signature. */
export function planNamed<Inputs extends Groups<Aval>, Outputs extends Groups<Aval>>(
  cache: PlanCache,
  { inputs, outputs }: { readonly inputs: Inputs; readonly outputs: Outputs },
  program: (inputs: Grouped<Inputs, Tensor>) => Grouped<Outputs, Tensor>,
  options: PlanOptions = {},
): Plan {
  const expected = itemsOf<Aval>(outputs);
  const traced = (...list: Tensor[]): Tensor[] => {
    const results = pack(outputs, program(unpack(inputs, list))) as Tensor[];
    for (const [i, { dtype, shape }] of results.entries()) {
      const aval = expected[i]!;
      invariant(
        dtype === aval.dtype && sameShape(shape, aval.shape),
        'a program gives the outputs of its signature',
        { output: i, dtype, shape, expected: aval },
      );
    }
    return results;
  };
  return planPure(cache, traced, itemsOf<Aval>(inputs), options);
}
