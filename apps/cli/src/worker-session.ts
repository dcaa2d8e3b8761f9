/** A worker in this process: how it joins a coordinator, and how it is stopped. */
import { availableParallelism } from 'node:os';
import { LockstepError } from '@lockstep/errors';
import type { Exit } from '@lockstep/protocol';
import { loadWorker, startThreads } from '@lockstep/worker';
import { quoted } from './display/format.ts';
import { exitCodes } from './errors.ts';
import { onInterrupt } from './signals.ts';
import type { Terminal } from './terminal.ts';

export interface JoinOptions {
  /** The endpoint of the coordinator. */
  readonly join: string;
  /** Compute threads. Default: all cores. */
  readonly threads: number | undefined;
  /** Where its keys are. */
  readonly keys: string | undefined;
  /** Where this worker listens for other workers. */
  readonly bind?: string | undefined;
  /** The host under which other workers reach it. */
  readonly advertise?: string | undefined;
  /** Seconds to wait for a coordinator that is not there yet. */
  readonly wait: number;
  /**
   * Whether the first signal to stop goes to the coordinator too, which then saves the run with this worker's help and tells it to
   * stop. Default: this worker leaves at once.
   */
  readonly isStoppedByCoordinator?: boolean;
}

/** Works until the coordinator or a signal ends it; resolves with the reason. */
export async function joinAsWorker(options: JoinOptions, { err }: Terminal): Promise<Exit> {
  const { join, keys, bind, advertise, wait, threads = availableParallelism() } = options;
  const aborting = new AbortController();
  const leavesAt = options.isStoppedByCoordinator === true ? 2 : 1;
  const stopListening = onInterrupt((times, signal) => {
    if (times > leavesAt) process.exit(exitCodes.interrupted);
    if (times === leavesAt) aborting.abort();
    else err.write(`lockstep: ${signal}: the coordinator saves the run and ends this worker\n`);
  });
  try {
    // The threads load their code while this thread loads what follows.
    const started = startThreads(threads);
    const [{ pino }, { readClientKeys, work }] = await Promise.all([import('pino'), loadWorker()]);
    const exit = await work(
      {
        ...{ join, threads },
        ...(keys !== undefined && { keys: await readClientKeys(keys) }),
        ...(bind !== undefined && { bind }),
        ...(advertise !== undefined && { advertise }),
        log: pino(pino.destination({ dest: 2, sync: true })),
        signal: aborting.signal,
        waitMs: 1_000 * wait,
        onWaiting: (message: string) => err.write(`lockstep: ${message}\n`),
      },
      started,
    );
    err.write(`lockstep: the worker stopped: ${exit.message ?? exit.reason}\n`);
    return exit;
  } finally {
    stopListening();
  }
}

/** `host:port` or an endpoint in full, as an endpoint. Throws `config`. */
export function endpointOf(join: string): string {
  const howTo = 'write host:port, as the coordinator prints it';
  if (/:0*$/.test(join)) {
    throw new LockstepError('config', `--join ${quoted(join)}: the port is missing; ${howTo}`, { join });
  }
  if (join.includes('://')) return join;
  if (/^(\[[^\]]+\]|[^\s:/]+):\d+$/.test(join)) return `tcp://${join}`;
  throw new LockstepError('config', `--join ${quoted(join)}: ${howTo}`, { join });
}
