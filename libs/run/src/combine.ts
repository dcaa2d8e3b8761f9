/** The arithmetic that collectives are handed: a parent's partial result from its children's. */
import type { Combine } from '@lockstep/collectives';
import type { Kernels, Operand } from '@lockstep/kernels';

export function combineWith(kernels: Kernels): Combine {
  return (op, out, left, right) => {
    switch (op) {
      case 'sum':
        return kernels.binary('add', out, whole(left), whole(right));
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

/** Every element once, in order. */
const whole = (data: Float32Array): Operand => ({ data, repeat: 1, period: data.length });
