/** Bytes of a thread's workspace: `MIN_SCRATCH_BYTES` less `ATTRS_BYTES` of `src/wasm/wasm.ts`. */
@inline export const WORK_BYTES: usize = (1 << 20) - 256;

/** Lets a test compare the number with those. */
export function workBytes(): usize {
  return WORK_BYTES;
}
