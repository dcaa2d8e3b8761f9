/** Signals that ask a command to stop. Batch systems send them to every process of a job. */

/** Ctrl-C, what `kill` and containers send, and what a batch system can send before a time limit. */
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGUSR2'] as const;

export type StopSignal = (typeof stopSignals)[number];

/** Counts signals: the first asks for a stop, the second demands it. Returns a function that ends this. */
export function onInterrupt(listener: (times: number, signal: StopSignal) => void): () => void {
  let times = 0;
  const count = (signal: StopSignal) => listener(++times, signal);
  for (const signal of stopSignals) process.on(signal, count);
  // Without a listener, Node opens its debugger.
  process.on('SIGUSR1', warnOfDebugger);
  return () => {
    for (const signal of stopSignals) process.off(signal, count);
    process.off('SIGUSR1', warnOfDebugger);
  };
}

function warnOfDebugger(): void {
  process.stderr.write(
    'lockstep: SIGUSR1 does nothing here, because Node uses it for its debugger; to save the run and stop, send SIGUSR2 or SIGTERM\n',
  );
}
