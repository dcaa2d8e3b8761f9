import { copyRun, fillRun, floatsAt } from './runs';

export function gather(out: usize, table: usize, indices: usize, count: i32, rows: i32, width: i32): void {
  const step = (<usize>width) << 2;
  for (; count > 0; count--, indices += 4, out += step) {
    const row = load<u32>(indices);
    if (row < <u32>rows) copyRun<f32>(out, table + <usize>row * step, width);
    else fillRun<f32>(out, NaN, width);
  }
}
