/** Ctrl-C and SIGTERM, counted: the first asks, the second insists. */
export function onInterrupt(listener: (times: number) => void): () => void {
  let times = 0;
  const count = () => listener(++times);
  process.on('SIGINT', count).on('SIGTERM', count);
  return () => {
    process.off('SIGINT', count).off('SIGTERM', count);
  };
}
