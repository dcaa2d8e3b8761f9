/** The arithmetic that collectives are handed: a parent's partial result from its children's. */
import type { Combine } from '@lockstep/collectives';
import type { Kernels } from '@lockstep/kernels';

export function combineWith(kernels: Kernels): Combine {
  return (op, out, left, right) => {
    switch (op) {
      case 'sum':
        for (let i = 0; i < out.length; i++) out[i] = left[i]! + right[i]!;
        return;
      case 'moments': {
        const pair = new Float32Array(2 * out.length);
        pair.set(left);
        pair.set(right, out.length);
        kernels.treeMoments(out, pair, { segments: 2, channels: (out.length - 1) / 2 });
        return;
      }
      default:
        op satisfies never;
    }
  };
}
