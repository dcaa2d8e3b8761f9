import { copyRun, fillRun, floatsAt } from './runs';

export function gather(out: usize, table: usize, indices: usize, count: i32, rows: i32, width: i32): void {
  const step = (<usize>width) << 2;
  for (; count > 0; count--, indices += 4, out += step) {
    const row = load<u32>(indices);
    if (row < <u32>rows) copyRun<f32>(out, table + <usize>row * step, width);
    else fillRun<f32>(out, NaN, width);
  }
}

export function scatterAdd(out: usize, updates: usize, indices: usize, count: i32, rows: i32, width: i32): void {
  const step = (<usize>width) << 2;
  memory.fill(out, 0, <usize>rows * step);
  for (; count > 0; count--, indices += 4, updates += step) {
    const row = load<u32>(indices);
    if (row >= <u32>rows) continue;
    const to = out + <usize>row * step;
    let j = 0;
    for (; j + 4 <= width; j += 4) {
      v128.store(floatsAt(to, j), f32x4.add(v128.load(floatsAt(to, j)), v128.load(floatsAt(updates, j))));
    }
    for (; j < width; j++) store<f32>(floatsAt(to, j), load<f32>(floatsAt(to, j)) + load<f32>(floatsAt(updates, j)));
  }
}
