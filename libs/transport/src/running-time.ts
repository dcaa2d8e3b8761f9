/** Measures the time in which this process ran: a process that was suspended must not conclude that others were slow. */

const stepMs = 100;

/** Calls `action` when the process has run for `durationMs`. Returns a function that cancels the call. */
export function afterRunning(
  durationMs: number,
  action: () => void,
  now = () => performance.now(),
): () => void {
  let leftMs = durationMs;
  let lastMs = now();
  const timer = setInterval(
    () => {
      const time = now();
      // If a tick is late by more than one interval, the process was suspended meanwhile.
      leftMs -= Math.min(time - lastMs, 2 * stepMs);
      lastMs = time;
      if (leftMs > 0) return;
      clearInterval(timer);
      action();
    },
    Math.min(stepMs, durationMs),
  );
  return () => clearInterval(timer);
}
