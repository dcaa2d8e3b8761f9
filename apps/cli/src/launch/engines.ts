/**
 * What each launcher tells the processes that it starts, by variables of their environment. The table of docs/launching.md is made of
 * these rows.
 */
import { firstHost, mostRanksOfHost } from './slurm-lists.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A value that is found in an environment. */
export interface Source {
  /** Where it is found, as the documentation says it. */
  readonly text: string;
  /** Undefined if the environment lacks it. */
  read(environment: Environment): string | undefined;
}

export interface Engine {
  /** Begins the names of run folders: `slurm-42`. */
  readonly name: string;
  readonly title: string;
  /** The variable that shows that it has started the process. */
  readonly sign: string;
  readonly rank: string;
  /** The number of processes that it has started, where it says so. It checks the rank, and nothing else. */
  readonly size?: string;
  /** The host of the coordinator: that of rank 0, or of a service. */
  readonly host: Source;
  readonly port: Source;
  /** What stays the same when the engine starts the job again. */
  readonly job?: Source;
  /** Compute threads of this rank. Default: all cores, divided by the ranks of a host. */
  readonly threads?: Source;
  readonly ranksOfHost?: Source;
  /** Whether the coordinator is a process of its own, and every rank a worker. */
  readonly hasOwnCoordinator?: true;
  /** Whether a signal to stop goes to all ranks, so that rank 0 saves the run for them, or to single ones. */
  readonly signals: 'all' | 'single';
}

/** The port of a coordinator where a launcher names none. */
export const defaultPort = 7070;

const fixedPort: Source = { text: `${defaultPort}`, read: () => `${defaultPort}` };

const masterAddress = variable('MASTER_ADDR');

/** Open MPI and MPICH do not tell where rank 0 is, which matters only if there is more than one host. */
function hostOfRank0(sizeHere: string, size: string): Source {
  return {
    text: `\`MASTER_ADDR\`, or loopback if \`${sizeHere}\` equals \`${size}\``,
    read: (environment) =>
      masterAddress.read(environment) ??
      (environment[sizeHere] !== undefined && environment[sizeHere] === environment[size]
        ? '127.0.0.1'
        : undefined),
  };
}

const portBesideTorch: Source = {
  text: '`MASTER_PORT`, plus one under torchrun, which listens on it',
  read: ({ MASTER_PORT: port, TORCHELASTIC_USE_AGENT_STORE: isTaken }) =>
    isTaken === 'True' && port !== undefined ? `${Number(port) + 1}` : port,
};

const mpiPort = firstOf(variable('MASTER_PORT'), fixedPort);

/** A launcher that runs inside another one, such as torchrun inside Slurm, comes first. */
export const engines: readonly Engine[] = [
  {
    name: 'torchrun',
    title: 'torchrun',
    sign: 'TORCHELASTIC_RUN_ID',
    rank: 'RANK',
    size: 'WORLD_SIZE',
    host: masterAddress,
    port: portBesideTorch,
    job: {
      text: '`TORCHELASTIC_RUN_ID`, if `--rdzv-id` names it',
      read: ({ TORCHELASTIC_RUN_ID: id }) => (id === 'none' ? undefined : id),
    },
    ranksOfHost: variable('LOCAL_WORLD_SIZE'),
    signals: 'single',
  },
  {
    name: 'kubeflow',
    title: 'Kubeflow Trainer',
    sign: 'PET_NODE_RANK',
    rank: 'PET_NODE_RANK',
    host: variable('PET_MASTER_ADDR'),
    port: variable('PET_MASTER_PORT'),
    signals: 'single',
  },
  {
    name: 'openmpi',
    title: 'Open MPI',
    sign: 'OMPI_COMM_WORLD_RANK',
    rank: 'OMPI_COMM_WORLD_RANK',
    size: 'OMPI_COMM_WORLD_SIZE',
    host: hostOfRank0('OMPI_COMM_WORLD_LOCAL_SIZE', 'OMPI_COMM_WORLD_SIZE'),
    port: mpiPort,
    ranksOfHost: variable('OMPI_COMM_WORLD_LOCAL_SIZE'),
    signals: 'all',
  },
  {
    name: 'mpich',
    title: 'MPICH, Intel MPI (PMI)',
    sign: 'MPI_LOCALNRANKS',
    rank: 'PMI_RANK',
    size: 'PMI_SIZE',
    host: hostOfRank0('MPI_LOCALNRANKS', 'PMI_SIZE'),
    port: mpiPort,
    ranksOfHost: variable('MPI_LOCALNRANKS'),
    signals: 'all',
  },
  {
    name: 'slurm',
    title: 'Slurm',
    sign: 'SLURM_PROCID',
    rank: 'SLURM_PROCID',
    size: 'SLURM_NTASKS',
    host: firstOf(
      masterAddress,
      // srun in a batch script runs on the first node, where rank 0 is too; elsewhere it may run on a login node.
      {
        text: '`SLURM_LAUNCH_NODE_IPADDR` in a batch job',
        read: ({ ENVIRONMENT, SLURM_LAUNCH_NODE_IPADDR: address }) =>
          ENVIRONMENT === 'BATCH' ? address : undefined,
      },
      {
        text: 'the first host of `SLURM_STEP_NODELIST`',
        read: ({ SLURM_STEP_NODELIST: nodes, SLURM_JOB_NODELIST: all }) => firstHost(nodes ?? all),
      },
    ),
    port: firstOf(variable('MASTER_PORT'), {
      text: '20000 + `SLURM_JOB_ID` mod 10000',
      read: ({ SLURM_JOB_ID: job }) => (job === undefined ? undefined : `${20_000 + (Number(job) % 10_000)}`),
    }),
    job: variable('SLURM_JOB_ID'),
    threads: variable('SLURM_CPUS_PER_TASK'),
    ranksOfHost: {
      text: '`SLURM_STEP_TASKS_PER_NODE`',
      read: ({ SLURM_STEP_TASKS_PER_NODE: counts }) => mostRanksOfHost(counts),
    },
    signals: 'all',
  },
  {
    name: 'pmi',
    title: 'other PMI launchers',
    sign: 'PMI_RANK',
    rank: 'PMI_RANK',
    size: 'PMI_SIZE',
    host: masterAddress,
    port: mpiPort,
    signals: 'all',
  },
  {
    name: 'skypilot',
    title: 'SkyPilot',
    sign: 'SKYPILOT_NODE_RANK',
    rank: 'SKYPILOT_NODE_RANK',
    size: 'SKYPILOT_NUM_NODES',
    host: {
      text: 'the first line of `SKYPILOT_NODE_IPS`',
      read: ({ SKYPILOT_NODE_IPS: addresses }) => /\S+/.exec(addresses ?? '')?.[0],
    },
    port: fixedPort,
    job: variable('SKYPILOT_TASK_ID'),
    signals: 'single',
  },
  {
    name: 'dstack',
    title: 'dstack',
    sign: 'DSTACK_NODE_RANK',
    rank: 'DSTACK_NODE_RANK',
    size: 'DSTACK_NODES_NUM',
    host: variable('DSTACK_MASTER_NODE_IP'),
    port: fixedPort,
    job: firstOf(variable('DSTACK_RUN_ID'), variable('DSTACK_RUN_NAME')),
    signals: 'single',
  },
  {
    name: 'torch',
    title: "PyTorch's variables",
    sign: 'RANK',
    rank: 'RANK',
    size: 'WORLD_SIZE',
    host: masterAddress,
    port: variable('MASTER_PORT'),
    ranksOfHost: variable('LOCAL_WORLD_SIZE'),
    signals: 'single',
  },
  {
    name: 'kubernetes',
    title: 'Kubernetes (Indexed Job)',
    sign: 'JOB_COMPLETION_INDEX',
    rank: 'JOB_COMPLETION_INDEX',
    host: { text: '`LOCKSTEP_COORDINATOR`, the Service of the coordinator', read: () => undefined },
    port: { text: 'in `LOCKSTEP_COORDINATOR`', read: () => undefined },
    hasOwnCoordinator: true,
    signals: 'single',
  },
];

function variable(name: string): Source {
  return { text: `\`${name}\``, read: (environment) => environment[name] || undefined };
}

function firstOf(...sources: readonly Source[]): Source {
  return {
    text: sources.map(({ text }) => text).join(', else '),
    read: (environment) => {
      for (const source of sources) {
        const found = source.read(environment);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

/** The table of the documentation, in Markdown. */
export function engineTable(): string {
  const rows = engines.map(({ title, sign, rank, size, host, port, job, hasOwnCoordinator }) => [
    title,
    `\`${sign}\``,
    `\`${rank}\`${size === undefined ? '' : ` of \`${size}\``}${hasOwnCoordinator ? ', all workers' : ''}`,
    host.text,
    port.text,
    job?.text ?? '`--job`',
  ]);
  const head = ['launcher', 'known by', 'rank', 'host of the coordinator', 'port', 'job'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
