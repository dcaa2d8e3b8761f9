/** Sine and cosine of large numbers, with the operations of `src/reference/large-angles.ts`, which explains them. */

@inline export const NEAR_ANGLES: f32 = 32768;

/** Word i of 2/π with 32 leading zeros. */
function wordOfTwoOverPi(i: i32): u64 {
  switch (i) {
    case 0: return 0;
    case 1: return 0xa2f9836e;
    case 2: return 0x4e441529;
    case 3: return 0xfc2757d1;
    case 4: return 0xf534ddc0;
    case 5: return 0xdb629599;
    case 6: return 0x3c439041;
    default: return 0xfe5163ab;
  }
}

@inline const UNIT: f64 = 1.5707963267948966 / 4611686018427387904.0;

/** 32 binary places of 2/π, from `place` on. */
@inline function placesAt(place: i32): u64 {
  const i = place >> 5;
  const both = (wordOfTwoOverPi(i) << 32) | wordOfTwoOverPi(i + 1);
  return (both << (place & 31)) >> 32;
}

/** sin(x + shift·π/2) for x > NEAR_ANGLES; ∞ → NaN. */
export function sinOfLarge(x: f32, shift: i32): f32 {
  if (x == Infinity) return NaN;
  const bits = reinterpret<i32>(x);
  const place = (bits >> 23) - 120;
  const m = <u64>((bits & 0x7fffff) | 0x800000);
  const turns = ((m * placesAt(place)) << 32) + m * placesAt(place + 32) + ((m * placesAt(place + 64)) >> 32);
  const n = (turns + (<u64>1 << 61)) >> 62;
  const r = <f64>(<i64>(turns - (n << 62))) * UNIT;
  const quarter = <i32>n + shift;
  const z = r * r;
  let p: f64, y: f64;
  if ((quarter & 1) == 0) {
    p = (((-1.0 / 39916800.0 * z + 1.0 / 362880.0) * z - 1.0 / 5040.0) * z + 1.0 / 120.0) * z - 1.0 / 6.0;
    y = r + r * (z * p);
  } else {
    p = (((-1.0 / 3628800.0 * z + 1.0 / 40320.0) * z - 1.0 / 720.0) * z + 1.0 / 24.0) * z - 1.0 / 2.0;
    y = 1 + z * p;
  }
  return <f32>((quarter & 2) != 0 ? -y : y);
}
