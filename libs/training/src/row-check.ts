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
  type Tensor,
  tensor,
  traceProgram,
} from '@lockstep/autodiff';
import { type Dataset, fillBatch } from '@lockstep/data';
import { LockstepError, ofField, withRows } from '@lockstep/errors';
import { allocate, sizeOf } from '@lockstep/tensor';
import type { Batch } from './experiment.ts';
import type { Task } from './task.ts';

const numRows = 3;

/** Primitives that may combine rows, because they take the rows' weights. */
const weightAware = new Set(['shardMoments', 'groupMoments', 'allReduceSum']);

/** Throws `experiment` if a sample's loss or metric depends on the other samples of its batch. */
export function checkRowsIndependent(task: Task, dataset: Dataset): void {
  const { train } = dataset.splits;
  const names = Object.keys(train.fields).sort();
  const key = keyTensor([0, 0]);
  const take = (...samples: readonly number[]): Tensor[] =>
    names.map((name) => {
      const { dtype, shape } = train.fields[name]!;
      const data = allocate(dtype, numRows * sizeOf(shape));
      const indices = Int32Array.from(samples, (sample) => sample % train.size);
      fillBatch(train, indices, { [name]: data });
      return tensor(data, { shape: [numRows, ...shape], dtype });
    });
  // Compiled, because eager execution keeps all intermediate arrays, which would be the peak memory of the worker.
  const { params, state } = jit(task.init)(key);
  const forward = (...columns: Tensor[]): Tensor[] => {
    const batch = Object.fromEntries(names.map((name, i) => [name, columns[i]!])) as Batch;
    const weights = ones([columns[0]!.shape[0]!]);
    const { loss, metrics } = task.forward({ params, state }, batch, { training: true, key, weights });
    return [loss, ...metrics];
  };
  const first = take(0, 1, 2);
  const program = withRows(numRows, (rows) =>
    inlineCalls(
      traceProgram(
        forward,
        first.map(({ dtype, shape }): Aval => ({ dtype, shape: [rows, ...shape.slice(1)] })),
      ),
    ),
  );
  const { outputs, statistics } = runKeeping(program, first);
  const again = evaluateProgram(
    program,
    take(0, 3, 4),
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
