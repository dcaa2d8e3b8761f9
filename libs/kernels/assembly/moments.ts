import { addSumBlock, SUM_BLOCK, sumRow, totalOfBlocks } from './reduce';
import { floatsAt } from './runs';

/** A term: w·x, or with `centred` w·(x − mean)². */
@inline function term(centred: bool, weight: v128, x: v128, mean: v128): v128 {
  if (!centred) return f32x4.mul(weight, x);
  const delta = f32x4.sub(x, mean);
  return f32x4.mul(weight, f32x4.mul(delta, delta));
}

/** The sum of the terms over the index (row, inner), in the order of a strided sum. */
@inline function sumTerms(
  centred: bool, one: bool, x: usize, step: usize, weights: usize, rows: i32, inner: i32, mean: v128, levels: usize,
): v128 {
  let block = f32x4.splat(0);
  let left = SUM_BLOCK, numBlocks = 0;
  for (; rows > 0; rows--, weights += 4) {
    const weight = v128.load32_splat(weights);
    for (let i = 0; i < inner; ) {
      const run = min(inner - i, left);
      for (let k = run; k > 0; k--, x += step) {
        block = f32x4.add(block, term(centred, weight, one ? v128.load32_splat(x) : v128.load(x), mean));
      }
      i += run;
      left -= run;
      if (left == 0) {
        addSumBlock(levels, 16, ++numBlocks, block);
        block = f32x4.splat(0);
        left = SUM_BLOCK;
      }
    }
  }
  return totalOfBlocks(levels, 16, numBlocks, block);
}

/** The means and centred squares of four channels, or with `one` of one channel. */
@inline function channelMoments(
  one: bool, means: usize, squares: usize, x: usize, step: usize, weights: usize, rows: i32, inner: i32, count: f32,
  work: usize,
): void {
  const sum = sumTerms(false, one, x, step, weights, rows, inner, f32x4.splat(0), work);
  const mean = f32x4.div(sum, f32x4.splat(count));
  const square = sumTerms(true, one, x, step, weights, rows, inner, mean, work);
  if (one) {
    v128.store32_lane(means, mean, 0), v128.store32_lane(squares, square, 0);
  } else {
    v128.store(means, mean), v128.store(squares, square);
  }
}

export function moments(
  out: usize, x: usize, weights: usize, segments: i32, rows: i32, inner: i32, channels: i32, work: usize,
): void {
  const step = (<usize>channels) << 2;
  const outStep = floatsAt(step << 1, 1);
  for (; segments > 0; segments--) {
    const count = sumRow(weights, rows, work) * <f32>inner;
    if (count == 0) {
      memory.fill(out, 0, outStep);
    } else {
      store<f32>(out, count);
      const means = out + 4, squares = means + step;
      let c = 0;
      for (; c + 4 <= channels; c += 4) {
        channelMoments(false, floatsAt(means, c), floatsAt(squares, c), floatsAt(x, c), step, weights, rows, inner, count, work);
      }
      for (; c < channels; c++) {
        channelMoments(true, floatsAt(means, c), floatsAt(squares, c), floatsAt(x, c), step, weights, rows, inner, count, work);
      }
    }
    out += outStep;
    weights = floatsAt(weights, rows);
    x += <usize>rows * inner * step;
  }
}
