import { describe, expect, it } from 'vitest';
import { qr, qrRoom } from './orthogonal.ts';

/** The largest differences of Q·R from a, and of Qᵀ·Q from the identity. */
function defects(
  a: Float64Array,
  m: number,
  n: number,
): { product: number; identity: number; diagonal: number[] } {
  const out = new Float64Array((m + n) * n);
  qr(out, a, { batch: 1, m, n, room: qrRoom(m, n) });
  const [q, r] = [out.subarray(0, m * n), out.subarray(m * n)];
  let [product, identity] = [0, 0];
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < m; i++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += q[i * n + k]! * r[k * n + j]!;
      product = Math.max(product, Math.abs(sum - a[i * n + j]!));
    }
    for (let k = 0; k < n; k++) {
      let sum = 0;
      for (let i = 0; i < m; i++) sum += q[i * n + j]! * q[i * n + k]!;
      identity = Math.max(identity, Math.abs(sum - Number(j === k)));
    }
  }
  return { product, identity, diagonal: Array.from({ length: n }, (_, j) => r[j * n + j]!) };
}

describe('qr', () => {
  it('stays orthogonal to the last digits for columns that are nearly the same', () => {
    const hilbert = Float64Array.from({ length: 120 }, (_, i) => 1 / (Math.floor(i / 10) + (i % 10) + 1));
    const { product, identity } = defects(hilbert, 12, 10);
    expect(product).toBeLessThan(1e-15);
    expect(identity).toBeLessThan(1e-14);
  });
  it('completes Q if columns depend on earlier ones', () => {
    const { product, identity, diagonal } = defects(
      Float64Array.of(1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 5),
      4,
      3,
    );
    expect(product).toBeLessThan(1e-15);
    expect(identity).toBeLessThan(1e-15);
    expect(diagonal[1]).toBe(0);
    expect(diagonal[2]).toBeGreaterThan(4);
  });
});
