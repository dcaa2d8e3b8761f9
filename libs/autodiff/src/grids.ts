/** Arrays made from indices. */
import { aNumber, LockstepError, signature } from '@lockstep/errors';
import { allocate, type DType, isFloat } from '@lockstep/tensor';
import { requireLengths, tensor } from './convert.ts';
import { aDType } from './kinds.ts';
import type { Tensor } from './tensor.ts';

const checkLinspace = signature('linspace', {
  start: aNumber,
  end: aNumber,
  count: aNumber,
  'dtype?': aDType,
});

/** `count` numbers from `start` to `end` at equal distances, both included. The type is float32 or float64. [count] */
export function linspace(start: number, end: number, count: number, dtype: DType = 'float32'): Tensor {
  checkLinspace(start, end, count, dtype);
  requireLengths('linspace', [count]);
  if (!isFloat(dtype)) {
    throw new LockstepError(
      'dtype',
      `linspace: equally spaced numbers are not whole in general, so it makes float32 or float64, not ${dtype}; round and .cast('${dtype}') them, or use arange`,
      { op: 'linspace', dtype },
    );
  }
  const data = allocate(dtype, count);
  const step = (end - start) / Math.max(1, count - 1);
  for (let i = 0; i < count; i++) data[i] = i > 0 && i === count - 1 ? end : start + i * step;
  return tensor(data, { shape: [count], dtype });
}

const checkEye = signature('eye', {
  rows: aNumber,
  'columns?': aNumber,
  'offset?': aNumber,
  'dtype?': aDType,
});

/** Ones on the diagonal `offset`, zeros elsewhere. [rows, columns], square by default */
export function eye(rows: number, columns = rows, offset = 0, dtype: DType = 'float32'): Tensor {
  checkEye(rows, columns, offset, dtype);
  requireLengths('eye', [rows, columns]);
  const data = allocate(dtype, rows * columns);
  for (let i = 0; i < rows; i++) {
    if (i + offset >= 0 && i + offset < columns) data[i * columns + i + offset] = 1;
  }
  return tensor(data, { shape: [rows, columns], dtype });
}
