import { dtypeOf, type TypedArray } from '@lockstep/tensor';
import type { MatmulAttrs, Profile, SegmentedContractionAttrs } from '../kernels.ts';
import { arithmeticOf } from './arithmetic.ts';
import { treeCombine } from './tree.ts';

export function matmul(
  profile: Profile,
  out: TypedArray,
  a: TypedArray,
  b: TypedArray,
  attrs: MatmulAttrs,
): void {
  const { batch, m, n, k, transposeA, transposeB, batchA, batchB } = attrs;
  const { mulAdd } = arithmeticOf('matmul', dtypeOf(out), profile);
  const [aRow, aInner] = transposeA ? [1, m] : [k, 1];
  const [bInner, bColumn] = transposeB ? [1, k] : [n, 1];
  for (let s = 0; s < batch; s++) {
    const aStart = batchA ? s * m * k : 0;
    const bStart = batchB ? s * k * n : 0;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let acc = 0;
        for (let p = 0; p < k; p++) {
          acc = mulAdd(acc, a[aStart + i * aRow + p * aInner]!, b[bStart + p * bInner + j * bColumn]!);
        }
        out[(s * m + i) * n + j] = acc;
      }
    }
  }
}

export function segmentedContraction(
  profile: Profile,
  out: TypedArray,
  a: TypedArray,
  b: TypedArray,
  attrs: SegmentedContractionAttrs,
): void {
  const { segments, rows, m, n } = attrs;
  const { add, mulAdd } = arithmeticOf('segmentedContraction', dtypeOf(out), profile);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const segmentSum = (s: number) => {
        let acc = 0;
        for (let r = s * rows; r < (s + 1) * rows; r++) acc = mulAdd(acc, a[r * m + i]!, b[r * n + j]!);
        return acc;
      };
      out[i * n + j] = treeCombine('segmentedContraction', segments, segmentSum, add);
    }
  }
}
