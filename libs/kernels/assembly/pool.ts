import { floatsAt } from './runs';

/** The fields of `PoolAttrs`. */
@unmanaged class Pool {
  batch: i32;
  height: i32;
  width: i32;
  channels: i32;
  outHeight: i32;
  outWidth: i32;
  windowHeight: i32;
  windowWidth: i32;
  strideY: i32;
  strideX: i32;
}

/** Whether x > best, or x is the first NaN. */
@inline function isLarger(x: v128, best: v128): v128 {
  return v128.or(f32x4.gt(x, best), v128.and(f32x4.ne(x, x), f32x4.eq(best, best)));
}

@inline function read(one: bool, from: usize): v128 {
  return one ? v128.load32_splat(from) : v128.load(from);
}

@inline function write(one: bool, to: usize, x: v128): void {
  if (one) v128.store32_lane(to, x, 0);
  else v128.store(to, x);
}

/** out = the element of t at the place of the window's maximum, for four channels or with `one` for one channel. */
@inline function selectWindow(one: bool, out: usize, x: usize, t: usize, pool: Pool, rowStep: usize, pixelStep: usize): void {
  let best = read(one, x), chosen = read(one, t);
  for (let wy = 0; wy < pool.windowHeight; wy++) {
    for (let wx = 0; wx < pool.windowWidth; wx++) {
      const offset = <usize>wy * rowStep + <usize>wx * pixelStep;
      const candidate = read(one, x + offset);
      const larger = isLarger(candidate, best);
      best = v128.bitselect(candidate, best, larger);
      chosen = v128.bitselect(read(one, t + offset), chosen, larger);
    }
  }
  write(one, out, chosen);
}

/** Adds g at the place of the window's maximum. Other places get +0, which changes nothing, since no sum here is −0. */
@inline function scatterWindow(one: bool, out: usize, x: usize, g: usize, pool: Pool, rowStep: usize, pixelStep: usize): void {
  let best = read(one, x), place = i32x4.splat(0);
  let index = 0;
  for (let wy = 0; wy < pool.windowHeight; wy++) {
    for (let wx = 0; wx < pool.windowWidth; wx++, index++) {
      const candidate = read(one, x + <usize>wy * rowStep + <usize>wx * pixelStep);
      const larger = isLarger(candidate, best);
      best = v128.bitselect(candidate, best, larger);
      place = v128.bitselect(i32x4.splat(index), place, larger);
    }
  }
  const gradient = read(one, g);
  index = 0;
  for (let wy = 0; wy < pool.windowHeight; wy++) {
    for (let wx = 0; wx < pool.windowWidth; wx++, index++) {
      const to = out + <usize>wy * rowStep + <usize>wx * pixelStep;
      const share = v128.and(gradient, i32x4.eq(place, i32x4.splat(index)));
      write(one, to, f32x4.add(read(one, to), share));
    }
  }
}

@inline function eachWindow(scatter: bool, out: usize, x: usize, t: usize, pool: Pool): void {
  const channels = pool.channels;
  const pixelStep = (<usize>channels) << 2;
  const rowStep = <usize>pool.width * pixelStep;
  // One of `out` and `t` has the shape of x, the other an element for each window.
  let window: usize = 0;
  for (let image = 0; image < pool.batch; image++) {
    for (let oy = 0; oy < pool.outHeight; oy++) {
      for (let ox = 0; ox < pool.outWidth; ox++, window += pixelStep) {
        const corner = <usize>(image * pool.height + oy * pool.strideY) * rowStep + <usize>(ox * pool.strideX) * pixelStep;
        let c = 0;
        for (; c + 4 <= channels; c += 4) {
          const place = floatsAt(corner, c), index = floatsAt(window, c);
          if (scatter) scatterWindow(false, out + place, x + place, t + index, pool, rowStep, pixelStep);
          else selectWindow(false, out + index, x + place, t + place, pool, rowStep, pixelStep);
        }
        for (; c < channels; c++) {
          const place = floatsAt(corner, c), index = floatsAt(window, c);
          if (scatter) scatterWindow(true, out + place, x + place, t + index, pool, rowStep, pixelStep);
          else selectWindow(true, out + index, x + place, t + place, pool, rowStep, pixelStep);
        }
      }
    }
  }
}

export function maxPoolSelect(out: usize, x: usize, t: usize, pool: Pool): void {
  eachWindow(false, out, x, t, pool);
}

export function maxPoolScatter(out: usize, x: usize, g: usize, pool: Pool): void {
  memory.fill(out, 0, (<usize>pool.batch * pool.height * pool.width * pool.channels) << 2);
  eachWindow(true, out, x, g, pool);
}
