/** The program of a worker process. It logs to stderr; its exit code says why it ended. */
import { parseArgs } from 'node:util';
import { LockstepError, toWireError } from '@lockstep/errors';
import type { Logger } from 'pino';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { loadWorker } from './index.ts';
import { startThreads } from './threads.ts';

const { values } = parseArgs({
  options: {
    join: { type: 'string' },
    threads: { type: 'string', default: '1' },
    keys: { type: 'string' },
    bind: { type: 'string' },
    advertise: { type: 'string' },
    wait: { type: 'string' },
    /** Another process has started this one: it handles interrupts, and this process ends when that one does. */
    managed: { type: 'boolean', default: false },
    'log-level': { type: 'string', default: 'info' },
  },
});
// Modules that are slow to load are loaded while the threads load theirs.
const openLog = async (): Promise<Logger> => {
  const { pino } = await import('pino');
  return pino({ level: values['log-level'] }, pino.destination({ dest: 2, sync: true }));
};
const aborting = new AbortController();
const leave = (): void => aborting.abort();
if (values.managed) {
  // A terminal and a batch system signal all processes of a command; the one that started this process decides what they mean.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {});
  process.stdin.on('end', leave).on('error', leave).resume();
} else {
  process.on('SIGINT', leave).on('SIGTERM', leave);
}

try {
  if (values.join === undefined) {
    throw new LockstepError('config', 'a worker needs the address of a coordinator: --join tcp://host:port');
  }
  const threads = startThreads(Number(values.threads));
  const [log, { readClientKeys, work }] = await Promise.all([openLog(), loadWorker()]);
  const options = {
    join: values.join,
    threads: Number(values.threads),
    log,
    signal: aborting.signal,
    ...(values.keys === undefined ? {} : { keys: await readClientKeys(values.keys) }),
    ...(values.bind === undefined ? {} : { bind: values.bind }),
    ...(values.advertise === undefined ? {} : { advertise: values.advertise }),
    ...(values.wait === undefined ? {} : { waitMs: 1_000 * Number(values.wait) }),
  };
  const exit = await work(options, threads);
  process.exitCode = exitCodeOf(exit);
} catch (error) {
  const wire = toWireError(error);
  (await openLog()).fatal({ error: wire }, wire.message);
  process.exitCode =
    wire.code === 'credentials'
      ? exitCodes.refused
      : wire.code === 'address'
        ? exitCodes.usage
        : exitCodes.failed;
}
// The parent's pipe would keep the process alive.
process.stdin.destroy();
