/** Threefry-2x32 with 20 rounds (Salmon et al., SC 2011), four counters at a time. */

@inline function rotate(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits));
}

/** Both words of four counters. Returns the first words and stores the second ones at `second`. */
@inline function threefry(counters: v128, k0: i32, k1: i32, second: usize): v128 {
  const k2 = k0 ^ k1 ^ 0x1bd11bda;
  let x0 = i32x4.add(counters, i32x4.splat(k0));
  let x1 = i32x4.splat(k1);
  let a = k1, b = k2, c = k0;
  for (let group = 1; group <= 5; group++) {
    if (group & 1) {
      x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 13), x0);
      x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 15), x0);
      x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 26), x0);
      x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 6), x0);
    } else {
      x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 17), x0);
      x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 29), x0);
      x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 16), x0);
      x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 24), x0);
    }
    x0 = i32x4.add(x0, i32x4.splat(a));
    x1 = i32x4.add(x1, i32x4.splat(b + group));
    const next = a;
    a = b, b = c, c = next;
  }
  v128.store(second, x1);
  return x0;
}

/** out[2j], out[2j + 1] = the two words of counter (j, 0). */
export function randomBits(out: usize, count: i32, k0: i32, k1: i32, work: usize): void {
  let counters = v128(0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0);
  for (; count > 0; count -= 8, out += 32) {
    const x0 = threefry(counters, k0, k1, work);
    const x1 = v128.load(work);
    const to = count >= 8 ? out : work;
    v128.store(to, v128.shuffle<i32>(x0, x1, 0, 4, 1, 5));
    v128.store(to, v128.shuffle<i32>(x0, x1, 2, 6, 3, 7), 16);
    if (count < 8) memory.copy(out, work, (<usize>count) << 2);
    counters = i32x4.add(counters, i32x4.splat(4));
  }
}

@inline function toUnit(bits: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_u(i32x4.shr_u(bits, 8)), f32x4.splat(5.9604644775390625e-8)); // 2⁻²⁴
}

export function unitFromBits(out: usize, bits: usize, count: i32): void {
  for (; count >= 4; count -= 4, out += 16, bits += 16) v128.store(out, toUnit(v128.load(bits)));
  for (; count > 0; count--, out += 4, bits += 4) v128.store32_lane(out, toUnit(v128.load32_splat(bits)), 0);
}
