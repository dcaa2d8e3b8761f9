/** Counts Ctrl-C and SIGTERM: the first asks for a stop, the second demands it. */
export function onInterrupt(listener: (times: number) => void): () => void {
  let times = 0;
  const count = () => listener(++times);
  process.on('SIGINT', count).on('SIGTERM', count);
  return () => {
    process.off('SIGINT', count).off('SIGTERM', count);
  };
}
