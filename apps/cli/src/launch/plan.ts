/** What a process that a launcher has started does in a run: which part it takes, and where the coordinator is. */
import { LockstepError } from '@lockstep/errors';
import { defaultPort, type Engine, type Environment, engines } from './engines.ts';

/** What the command line says about it. An option is stronger than the environment. */
export interface AskedPart {
  readonly role?: Role | undefined;
  /** `HOST:PORT` of a coordinator that is started elsewhere, or the run folder of another job. */
  readonly coordinator?: string | undefined;
  readonly port?: number | undefined;
  readonly job?: string | undefined;
}

export const roles = ['coordinator', 'worker', 'both'] as const;

/** both: the coordinator and a worker, as rank 0 of most launchers. */
export type Role = (typeof roles)[number];

/** Where workers find the coordinator: an address, or the folder of its run, in which it writes its address. */
export type Meeting =
  | { readonly type: 'address'; readonly host: string; readonly port: number }
  | { readonly type: 'folder'; readonly folder: string };

export interface LaunchPlan {
  readonly role: Role;
  /** What started the process, for messages: `rank 1 of Slurm`. */
  readonly title: string;
  readonly meeting: Meeting;
  /** The name of the run folder, which is the same when the job is started again; undefined for a new run with each start. */
  readonly job: string | undefined;
  /** Compute threads of the worker. */
  readonly threads: number;
  /** Whether a signal to stop goes to the coordinator too. */
  readonly isStoppedByCoordinator: boolean;
  /** Whether the engine starts the coordinator by itself, and again if it has stopped it. */
  readonly hasOwnCoordinator: boolean;
}

/**
 * Reads the part of this process from its environment. A pure function: `numCores` are those of the machine. Throws `config` for an
 * environment that is incomplete or contradicts itself.
 */
export function planLaunch(environment: Environment, asked: AskedPart, numCores: number): LaunchPlan {
  const engine = engineOf(environment);
  const elsewhere = asked.coordinator ?? environment.LOCKSTEP_COORDINATOR;
  const rank = engine === undefined ? undefined : rankOf(engine, environment);
  const role = asked.role ?? (elsewhere === undefined ? roleOf(engine, rank, environment) : 'worker');
  return {
    role,
    title: engine === undefined ? 'no launcher' : `rank ${rank} of ${engine.title}`,
    meeting: meetingOf(engine, environment, role, asked, elsewhere),
    job: asked.job ?? environment.LOCKSTEP_JOB ?? jobOf(engine, environment),
    threads: threadsOf(engine, environment, numCores),
    // A worker of another job gets the signals of its own.
    isStoppedByCoordinator: engine?.signals === 'all' && elsewhere === undefined,
    hasOwnCoordinator: engine?.hasOwnCoordinator === true,
  };
}

/**
 * The launcher that has started this process. Scripts set RANK inside other launchers: of another number of processes, it is that of
 * a launcher further down. Of the same number, it must be the same rank: a script that sets one RANK for all processes would make each
 * of them the coordinator.
 */
function engineOf(environment: Environment): Engine | undefined {
  const [engine, ...others] = engines.filter(({ sign }) => environment[sign] !== undefined);
  const torch = others.find(({ name }) => name === 'torch');
  if (engine === undefined || torch === undefined || engine.rank === torch.rank) return engine;
  const size = engine.size === undefined ? undefined : environment[engine.size];
  if (environment.WORLD_SIZE !== undefined && size !== undefined && environment.WORLD_SIZE !== size)
    return torch;
  if (environment.RANK === environment[engine.rank]) return engine;
  const { title, rank } = engine;
  throw new LockstepError(
    'config',
    `RANK=${environment.RANK} contradicts ${rank}=${environment[rank]} of ${title}; do not set RANK, which ${title} makes unnecessary, or set it in each process`,
    { RANK: environment.RANK, [rank]: environment[rank] },
  );
}

function rankOf(engine: Engine, environment: Environment): number {
  const { title, rank: name, size: sizeName } = engine;
  const rank = wholeNumber(engine, name, environment[name]);
  const size = sizeName === undefined ? undefined : environment[sizeName];
  if (size !== undefined && rank >= wholeNumber(engine, sizeName!, size)) {
    throw new LockstepError(
      'config',
      `${title}: ${name}=${rank} is no rank of ${sizeName}=${size}; ranks count from 0`,
      { rank, size },
    );
  }
  return rank;
}

function wholeNumber({ title }: Engine, name: string, text: string | undefined): number {
  if (text !== undefined && /^\d+$/.test(text)) return Number(text);
  const found = text === undefined ? 'is not set' : `is '${text}'`;
  throw new LockstepError('config', `${title}: ${name} ${found}, and must be a whole number`, { name, text });
}

/** A batch script of Slurm runs once, on the first node, whatever the job's number of ranks. */
function requireStep({ name }: Engine, environment: Environment): void {
  const { SLURM_STEP_ID: step, SLURM_NTASKS: size = '1' } = environment;
  if (name !== 'slurm' || step !== undefined || size === '1') return;
  throw new LockstepError(
    'config',
    `Slurm: this is the batch script, which runs once, and the job has ${size} ranks; start them with: srun lockstep launch …`,
    { size },
  );
}

function roleOf(engine: Engine | undefined, rank: number | undefined, environment: Environment): Role {
  if (engine === undefined) {
    const signs = engines.map(({ sign }) => sign).join(', ');
    throw new LockstepError(
      'config',
      `no launcher has started this process: none of ${signs} is set; start it with srun, torchrun, mpirun, …, or name its part with --role and --coordinator HOST:PORT, or train on this machine with lockstep train`,
    );
  }
  requireStep(engine, environment);
  return rank === 0 && !engine.hasOwnCoordinator ? 'both' : 'worker';
}

function meetingOf(
  engine: Engine | undefined,
  environment: Environment,
  role: Role,
  asked: AskedPart,
  elsewhere: string | undefined,
): Meeting {
  if (elsewhere !== undefined) return placeNamed(elsewhere, role);
  const port = asked.port ?? portOf(engine, environment);
  // A coordinator of its own need not know under which name others reach it.
  const host = engine?.host.read(environment) ?? (role === 'coordinator' ? '0.0.0.0' : undefined);
  if (host !== undefined) return { type: 'address', host, port };
  const missing = engine === undefined ? '--coordinator HOST:PORT' : engine.host.text.replaceAll('`', '');
  throw new LockstepError(
    'config',
    `${engine?.title ?? 'no launcher'}: the address of the coordinator is missing; set ${missing}${engine?.hasOwnCoordinator || engine === undefined ? '' : ', the host of rank 0'}`,
  );
}

function placeNamed(text: string, role: Role): Meeting {
  const [, host, digits] = /^(\[[^\]]+\]|[^\s:/]+):(\d{1,5})$/.exec(text) ?? [];
  if (host !== undefined && Number(digits) > 0 && Number(digits) < 65_536) {
    return { type: 'address', host, port: Number(digits) };
  }
  if (role === 'worker' && !/^[^/]*:/.test(text)) return { type: 'folder', folder: text };
  throw new LockstepError(
    'config',
    `the coordinator '${text}': write HOST:PORT${role === 'worker' ? ', or the run folder of the job that trains' : ''}`,
    { coordinator: text },
  );
}

function portOf(engine: Engine | undefined, environment: Environment): number {
  const text = engine?.port.read(environment);
  if (engine === undefined || engine.hasOwnCoordinator) return defaultPort;
  const port = Number(text ?? defaultPort);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  const from = engine.port.text.replaceAll('`', '');
  throw new LockstepError('config', `${engine.title}: '${text}' is no port (${from}); --port names another`, {
    port: text,
  });
}

/** Names of folders hold no path. */
function jobOf(engine: Engine | undefined, environment: Environment): string | undefined {
  const id = engine?.job?.read(environment);
  return id === undefined ? undefined : `${engine!.name}-${id.replaceAll(/[^A-Za-z0-9._-]+/g, '-')}`;
}

function threadsOf(engine: Engine | undefined, environment: Environment, numCores: number): number {
  const threads = Number(engine?.threads?.read(environment));
  if (threads >= 1) return Math.floor(threads);
  const numRanks = Number(engine?.ranksOfHost?.read(environment) ?? 1);
  return Math.max(1, Math.floor(numCores / (numRanks >= 1 ? numRanks : 1)));
}
