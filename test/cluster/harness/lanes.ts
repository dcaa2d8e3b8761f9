/** Observes which workers of a cluster exchange through shared memory. */
import { readFileSync } from 'node:fs';
import { type Cluster, committed } from './cluster.ts';

/** The environment of a worker that does not use shared memory. */
export const noSharedMemory = { LOCKSTEP_SHARED_MEMORY: 'off' };

/** Counts the lanes that each worker has mapped, including its own: those of main threads and of compute threads. */
export async function lanes({ workers, next }: Cluster): Promise<number[]> {
  await next(committed(3));
  return workers.map(({ pid }) => {
    const maps = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
    return new Set(
      maps.filter((line) => line.includes('/memfd:lockstep')).map((line) => line.split(/\s+/)[4]),
    ).size;
  });
}

/** Lists the generations in which each worker exchanged steps directly. */
export const direct = ({ workers }: Cluster): number[][] =>
  workers.map((worker) =>
    worker
      .log()
      .split('\n')
      .filter((line) => line.includes('steps are exchanged directly'))
      .map((line) => (JSON.parse(line) as { readonly generation: number }).generation),
  );
