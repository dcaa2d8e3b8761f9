import { ftruncateSync } from 'node:fs';

/** Cuts an open file back to `size` bytes, to remove a record of which only a part was written. False if that fails too. */
export function cutBack(file: number, size: number): boolean {
  try {
    ftruncateSync(file, size);
    return true;
  } catch {
    return false;
  }
}
