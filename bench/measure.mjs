/** Measures times and computes their statistics. */

const SLICE_MS = 50;
const LEAST_SLICES = 3;
const WARM_UP_MS = 1_000;

/** Milliseconds per call, one figure per slice of at least 50 ms. The same procedure as torch/common.py. */
export function sample(call, seconds) {
  const warmUpEnd = performance.now() + WARM_UP_MS;
  do call();
  while (performance.now() < warmUpEnd);
  const calls = Math.max(1, Math.ceil(SLICE_MS / timeOf(call, 1)));
  const slices = [];
  const end = performance.now() + 1e3 * seconds;
  while (slices.length < LEAST_SLICES || performance.now() < end) slices.push(timeOf(call, calls));
  return slices;
}

function timeOf(call, calls) {
  const start = performance.now();
  for (let i = 0; i < calls; i++) call();
  return (performance.now() - start) / calls;
}

/** Like `sample`, and throws unless `loss` is finite afterwards. */
export function timed(name, call, loss, { seconds }) {
  const slices = sample(call, seconds);
  if (!Number.isFinite(loss())) {
    throw new Error(`${name}: the loss is ${loss()} after the measurement, so the time is not valid`);
  }
  return slices;
}

/** A quantile by linear interpolation between the neighbouring sorted values. */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)];
  return low + (sorted[Math.ceil(at)] - low) * (at - Math.floor(at));
}

/** The median with the quartiles as spread. */
export const summary = (values) => ({
  median: quantile(values, 0.5),
  low: quantile(values, 0.25),
  high: quantile(values, 0.75),
});

/** The median with the extremes as spread, for the few rounds of a run. */
export const range = (values) => ({
  median: quantile(values, 0.5),
  low: quantile(values, 0),
  high: quantile(values, 1),
});
