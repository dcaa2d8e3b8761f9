/** The arithmetic that all-reduces are given: a parent's partial result from its children's, and copies. */
import type { Combine } from '@lockstep/collectives';
import type { Kernels, Operand } from '@lockstep/kernels';

export function combineWith(kernels: Kernels): Combine {
  let room = new Float32Array(0);
  return {
    sum: (out, left, right) => kernels.binary('add', out, whole(left), whole(right)),
    moments(out, left, right) {
      const size = out.length;
      if (room.length < 2 * size) room = new Float32Array(2 * size);
      const pair = room.subarray(0, 2 * size);
      pair.set(left);
      pair.set(right, size);
      kernels.treeMoments(out, pair, { segments: 2, channels: (size - 1) / 2 });
    },
    copy: (out, data) => kernels.copy(out, data),
  };
}

/** Every element once, in order. */
const whole = (data: Float32Array): Operand => ({ data, repeat: 1, period: data.length });
