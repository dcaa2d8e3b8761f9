/** Ten million parameters for Adam, with a loss that only provides a gradient. Compared with torch/adam.py. */
import { adam, defineExperiment, dense, fromArrays, sequential } from 'lockstep';

const INPUTS = 1_000;
const UNITS = 10_000;

export const NUM_PARAMETERS = INPUTS * UNITS;

/** One dense kernel [1000, 10000]. */
export const adamOnly = () =>
  defineExperiment({
    data: fromArrays({ x: [new Float32Array(INPUTS).fill(0.5)], y: [0] }),
    model: sequential(dense(UNITS, { bias: false })),
    loss: (outputs) => outputs.square().sum(1),
    optimizer: adam(1e-3),
    batch: { size: 1 },
  });
