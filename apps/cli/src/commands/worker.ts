/** `lockstep worker`: joins a coordinator, here or on another machine, until it is told to stop. */
import { availableParallelism } from 'node:os';
import { LockstepError } from '@lockstep/errors';
import { exitCodeOf, loadWorker, startThreads } from '@lockstep/worker';
import { quoted } from '../display/format.ts';
import type { workerOptions } from '../options.ts';
import { onInterrupt } from '../signals.ts';
import type { ArgsOf, Handler } from './command.ts';

export type WorkerArgs = ArgsOf<typeof workerOptions>;

export const worker: Handler<WorkerArgs> = async (args, { terminal }) => {
  const { keys, bind, advertise, wait, threads = availableParallelism() } = args;
  const aborting = new AbortController();
  const stopListening = onInterrupt((times) => {
    if (times > 1) process.exit(130);
    aborting.abort();
  });
  try {
    const join = endpointOf(args.join);
    // Before anything slow is loaded: they load their code meanwhile.
    const started = startThreads(threads);
    const [{ pino }, { readClientKeys, work }] = await Promise.all([import('pino'), loadWorker()]);
    const options = {
      join,
      threads,
      ...(keys !== undefined && { keys: await readClientKeys(keys) }),
      ...(bind !== undefined && { bind }),
      ...(advertise !== undefined && { advertise }),
      log: pino(pino.destination({ dest: 2, sync: true })),
      signal: aborting.signal,
      waitMs: 1_000 * wait,
      onWaiting: (message: string) => void terminal.err.write(`lockstep: ${message}\n`),
    };
    const exit = await work(options, started);
    const { reason, message } = exit;
    terminal.err.write(`lockstep: the worker stopped: ${message ?? reason}\n`);
    return exitCodeOf(exit);
  } finally {
    stopListening();
  }
};

/** `host:port` or an endpoint in full. */
function endpointOf(join: string): string {
  if (/:0*$/.test(join)) {
    throw new LockstepError(
      'config',
      `--join ${quoted(join)}: the port is missing; write host:port, as the coordinator prints it`,
      { join },
    );
  }
  if (join.includes('://')) return join;
  if (/^(\[[^\]]+\]|[^\s:/]+):\d+$/.test(join)) return `tcp://${join}`;
  throw new LockstepError('config', `--join ${quoted(join)}: write host:port, as the coordinator prints it`, {
    join,
  });
}
