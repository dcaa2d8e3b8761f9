/**
 * Checks that no sample depends on another: otherwise the result would depend on which samples share a shard. The
 * forward pass runs twice on a few samples. The second run replaces all samples but the first, whose values must keep
 * every bit. Statistics over a step or a shard (batch norm) are kept from the first run.
 */
import {
  type Aval,
  evaluateProgram,
  inlineCalls,
  jit,
  keyTensor,
  ones,
  type Program,
  programHash,
  type Tensor,
  tensor,
  traceProgram,
} from '@lockstep/autodiff';
import { type Dataset, fillBatch, type Split } from '@lockstep/data';
import { LockstepError, ofField, withRows } from '@lockstep/errors';
import type { TensorTree } from '@lockstep/optim';
import { allocate, sizeOf } from '@lockstep/tensor';
import { flatten, unflatten } from '@lockstep/tree';
import type { Batch } from './experiment.ts';
import type { PlanCache } from './plan-cache.ts';
import type { Task } from './task.ts';
import type { Trees } from './trees.ts';

const numRows = 3;

const key = keyTensor([0, 0]);

/** Primitives that may combine rows, because they take the rows' weights. */
const weightAware = new Set(['shardMoments', 'groupMoments', 'allReduceSum']);

export interface RowCheck {
  readonly cache: PlanCache;
  readonly task: Task;
  readonly dataset: Dataset;
  readonly trees: Trees;
  /** The hash of the program of initialisation. */
  readonly initHash: string;
}

/**
 * Throws `experiment` if a sample's loss or metric depends on the other samples of its batch. A program that has passed
 * with the same initialisation and data does not run again.
 */
export function checkRowsIndependent({ cache, task, dataset, trees, initHash }: RowCheck): void {
  const { train } = dataset.splits;
  const names = Object.keys(train.fields).sort();
  const take = (...samples: readonly number[]): Tensor[] =>
    names.map((name) => {
      const { dtype, shape } = train.fields[name]!;
      const data = allocate(dtype, numRows * sizeOf(shape));
      const indices = Int32Array.from(samples, (sample) => sample % train.size);
      fillBatch(train, indices, { [name]: data });
      return tensor(data, { shape: [numRows, ...shape], dtype });
    });
  const program = withRows(numRows, (rows) => inlineCalls(traceForward(task, train, trees, names, rows)));
  const check = `rows ${programHash(program)} after ${initHash} of ${dataset.hash}`;
  if (cache.hasPassed(check)) return;
  // Compiled, because eager execution keeps all intermediate arrays, which would be the peak memory of the worker.
  const { params, state } = jit(task.init)(key);
  const variables = [...flatten(params).leaves, ...flatten(state).leaves];
  const { outputs, statistics } = runKeeping(program, [...variables, ...take(0, 1, 2)]);
  const again = evaluateProgram(
    program,
    [...variables, ...take(0, 3, 4)],
    (equation, compute) => statistics.get(equation.outputs[0]!) ?? compute(),
  );
  const what = ['loss', ...task.metricNames.map((name) => `metric ${name}`)];
  for (const [i, before] of outputs.entries()) {
    const [expected, found] = [before.data[0]!, again[i]!.data[0]!];
    if (Object.is(expected, found)) continue;
    ofField(i === 0 ? ['loss'] : ['metrics', task.metricNames[i - 1]!], () => {
      throw new LockstepError(
        'experiment',
        `${what[i]}: a sample's value changes with the other samples of its batch (${expected} became ${found}), so something reduces over the batch axis; use batchNorm or shardMoments for statistics over the whole step, and leave averaging to the trainer`,
        { what: what[i], expected, found },
      );
    });
  }
  cache.notePassed(check);
}

/** The loss and the metrics as a program of parameters, state and the columns in the order of `names`. */
function traceForward(
  task: Task,
  { fields }: Split,
  { params, state }: Trees,
  names: readonly string[],
  rows: number,
): Program {
  const columns = names.map((name): Aval => {
    const { dtype, shape } = fields[name]!;
    return { dtype, shape: [rows, ...shape] };
  });
  return traceProgram(
    (...inputs) => {
      const take = (count: number): Tensor[] => inputs.splice(0, count);
      const variables = {
        params: unflatten(params.structure, take(params.variables.length)) as TensorTree,
        state: unflatten(state.structure, take(state.variables.length)) as TensorTree,
      };
      const batch = Object.fromEntries(names.map((name, i) => [name, inputs[i]!])) as Batch;
      const weights = ones([rows]);
      const { loss, metrics } = task.forward(variables, batch, { training: true, key, weights });
      return [loss, ...metrics];
    },
    [...params.variables, ...state.variables, ...columns],
  );
}

function runKeeping(
  program: Program,
  inputs: readonly Tensor[],
): { outputs: Tensor[]; statistics: Map<number, readonly Tensor[]> } {
  const statistics = new Map<number, readonly Tensor[]>();
  const outputs = evaluateProgram(program, inputs, (equation, compute) => {
    const value = compute();
    if (weightAware.has(equation.primitive)) statistics.set(equation.outputs[0]!, value);
    return value;
  });
  return { outputs, statistics };
}
