/** Time in which this process ran: one that was suspended must not find on waking that others were too slow. */

const stepMs = 100;

/** Calls back when the process has run for so long. Returns how to call it off. */
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
      // A tick that is late by more than itself was not waited for by a running process.
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
