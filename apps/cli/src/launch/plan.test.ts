/** What each launcher's environment means, a test for each row of the table, and what is refused. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Environment, engines, engineTable } from './engines.ts';
import { type AskedPart, type LaunchPlan, planLaunch } from './plan.ts';
import { firstHost, mostRanksOfHost } from './slurm-lists.ts';

const numCores = 8;
const plan = (environment: Environment, asked: AskedPart = {}): LaunchPlan =>
  planLaunch(environment, asked, numCores);
const at = (host: string, port: number) => ({ type: 'address', host, port }) as const;

/** Of srun in a batch script, on the first of two nodes with two ranks each. */
const slurm: Environment = {
  ENVIRONMENT: 'BATCH',
  SLURM_CPUS_ON_NODE: '4',
  SLURM_JOB_ID: '10042',
  SLURM_JOB_NODELIST: 'n[0-1]',
  SLURM_LAUNCH_NODE_IPADDR: '10.9.0.1',
  SLURM_NTASKS: '4',
  SLURM_PROCID: '0',
  SLURM_STEP_ID: '0',
  SLURM_STEP_NODELIST: 'n[0-1]',
  SLURM_STEP_TASKS_PER_NODE: '2(x2)',
};

const torchrun: Environment = {
  ...{ LOCAL_RANK: '1', LOCAL_WORLD_SIZE: '4', MASTER_ADDR: 'node-a', MASTER_PORT: '29400' },
  ...{ RANK: '5', TORCHELASTIC_RUN_ID: 'job 7', TORCHELASTIC_USE_AGENT_STORE: 'True', WORLD_SIZE: '8' },
};

const openMpi: Environment = {
  ...{ OMPI_COMM_WORLD_LOCAL_SIZE: '2', OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '2' },
};

/** [row of the table, environment, plan] */
const rows: readonly (readonly [string, Environment, Partial<LaunchPlan>])[] = [
  [
    'torchrun',
    torchrun,
    {
      role: 'worker',
      meeting: at('node-a', 29_401),
      job: 'torchrun-job-7',
      threads: 2,
      isStoppedByCoordinator: false,
    },
  ],
  [
    'kubeflow',
    {
      PET_MASTER_ADDR: 'train-node-0-0.train',
      PET_MASTER_PORT: '29400',
      PET_NODE_RANK: '0',
      PET_NNODES: '1:4',
    },
    { role: 'both', meeting: at('train-node-0-0.train', 29_400), job: undefined, threads: 8 },
  ],
  ['openmpi', openMpi, { role: 'both', meeting: at('127.0.0.1', 7070), job: undefined, threads: 4 }],
  [
    'mpich',
    { MASTER_ADDR: '10.0.0.5', MPI_LOCALNRANKS: '1', PMI_RANK: '1', PMI_SIZE: '2' },
    { role: 'worker', meeting: at('10.0.0.5', 7070), isStoppedByCoordinator: true },
  ],
  [
    'slurm',
    slurm,
    {
      role: 'both',
      meeting: at('10.9.0.1', 20_042),
      job: 'slurm-10042',
      threads: 4,
      isStoppedByCoordinator: true,
    },
  ],
  ['pmi', { MASTER_ADDR: 'a', PMI_RANK: '0', PMI_SIZE: '2' }, { role: 'both', meeting: at('a', 7070) }],
  [
    'skypilot',
    {
      ...{ SKYPILOT_NODE_IPS: '10.0.0.5\n10.0.0.6\n', SKYPILOT_NODE_RANK: '1', SKYPILOT_NUM_NODES: '2' },
      SKYPILOT_TASK_ID: 'sky-2026-11-30-10-00-00_train_7-0',
    },
    {
      role: 'worker',
      meeting: at('10.0.0.5', 7070),
      job: 'skypilot-sky-2026-11-30-10-00-00_train_7-0',
      isStoppedByCoordinator: false,
    },
  ],
  [
    'dstack',
    {
      DSTACK_MASTER_NODE_IP: '10.0.0.5',
      DSTACK_NODES_NUM: '2',
      DSTACK_NODE_RANK: '0',
      DSTACK_RUN_NAME: 'train',
    },
    { role: 'both', meeting: at('10.0.0.5', 7070), job: 'dstack-train' },
  ],
  [
    'torch',
    { MASTER_ADDR: 'job-master-0', MASTER_PORT: '23456', RANK: '1', WORLD_SIZE: '3' },
    { role: 'worker', meeting: at('job-master-0', 23_456), job: undefined },
  ],
  [
    'kubernetes',
    { JOB_COMPLETION_INDEX: '0', LOCKSTEP_COORDINATOR: 'train:7070', LOCKSTEP_JOB: 'train' },
    { role: 'worker', meeting: at('train', 7070), job: 'train', isStoppedByCoordinator: false },
  ],
];

describe('the environment of', () => {
  it.each(rows)('%s', (_, environment, expected) => expect(plan(environment)).toMatchObject(expected));

  it('every launcher is tested, and is in the documentation', () => {
    expect(rows.map(([name]) => name)).toEqual(engines.map(({ name }) => name));
    const page = readFileSync(new URL('../../../../docs/launching.md', import.meta.url), 'utf8');
    expect(page).toContain(engineTable());
  });

  it('srun outside of a batch script names a host of the step', () => {
    const { ENVIRONMENT: _, ...direct } = slurm;
    expect(plan(direct).meeting).toEqual(at('n0', 20_042));
    expect(plan({ ...direct, MASTER_ADDR: 'ib0', MASTER_PORT: '4000' }).meeting).toEqual(at('ib0', 4000));
    expect(plan({ ...slurm, SLURM_CPUS_PER_TASK: '3' }).threads).toBe(3);
  });

  it('a launcher inside another one is the one that counts', () => {
    expect(plan({ ...slurm, ...torchrun }).title).toBe('rank 5 of torchrun');
    expect(plan({ ...slurm, SLURM_STEP_ID: undefined, ...openMpi }).title).toBe('rank 0 of Open MPI');
    const ranks = { MASTER_ADDR: 'a', MASTER_PORT: '1', RANK: '0' };
    expect(plan({ ...slurm, ...ranks, WORLD_SIZE: '16' }).title).toMatch(/^rank 0 of PyTorch's variables/);
    expect(plan({ ...slurm, ...ranks, WORLD_SIZE: '4' })).toMatchObject({
      job: 'slurm-10042',
      meeting: at('a', 1),
    });
  });
});

describe('the command line', () => {
  it('names a coordinator elsewhere, for workers of another job', () => {
    const job = { ...slurm, SLURM_JOB_ID: '43' };
    expect(plan(job, { coordinator: 'runs/slurm-42' })).toMatchObject({
      ...{ role: 'worker', meeting: { type: 'folder', folder: 'runs/slurm-42' } },
      isStoppedByCoordinator: false,
    });
    expect(plan({}, { coordinator: '[::1]:7070' })).toMatchObject({
      role: 'worker',
      meeting: at('[::1]', 7070),
    });
  });

  it('is stronger than the environment', () => {
    expect(plan(slurm, { port: 7071, job: 'mine' })).toMatchObject({
      meeting: at('10.9.0.1', 7071),
      job: 'mine',
    });
  });

  it('makes a process the coordinator alone', () => {
    expect(plan({ LOCKSTEP_JOB: 'train' }, { role: 'coordinator' })).toMatchObject({
      ...{ role: 'coordinator', meeting: at('0.0.0.0', 7070), job: 'train' },
    });
    const named = plan({ LOCKSTEP_COORDINATOR: 'train:7000' }, { role: 'coordinator' });
    expect(named.meeting).toEqual(at('train', 7000));
  });
});

const without = (name: string, environment: Environment) => ({ ...environment, [name]: undefined });

describe('refused are', () => {
  it.each<readonly [string, Environment, RegExp]>([
    ['no launcher', {}, /^no launcher has started this process: none of TORCHELASTIC_RUN_ID, .* is set/],
    ['no rank', without('RANK', torchrun), /^torchrun: RANK is not set, and must be a whole number/],
    ['a rank that is none', { ...slurm, SLURM_PROCID: '-1' }, /SLURM_PROCID is '-1', and must be a whole/],
    [
      'a rank beyond the size',
      { ...slurm, SLURM_PROCID: '4' },
      /SLURM_PROCID=4 is no rank of SLURM_NTASKS=4/,
    ],
    [
      'no address',
      without('MASTER_ADDR', torchrun),
      /coordinator is missing; set MASTER_ADDR, the host of rank 0/,
    ],
    ['no port', { MASTER_ADDR: 'a', MASTER_PORT: 'x', RANK: '0' }, /'x' is no port .*--port names another/],
    ['hosts unknown to MPI', { ...openMpi, OMPI_COMM_WORLD_SIZE: '4' }, /set MASTER_ADDR, or loopback if/],
    [
      'no Service',
      { JOB_COMPLETION_INDEX: '1' },
      /set LOCKSTEP_COORDINATOR, the Service of the coordinator$/,
    ],
    [
      'a Service without port',
      { JOB_COMPLETION_INDEX: '1', LOCKSTEP_COORDINATOR: 'a:' },
      /'a:': write HOST:PORT/,
    ],
    [
      'a batch script',
      without('SLURM_STEP_ID', slurm),
      /batch script, which runs once, .* has 4 ranks; .*srun/,
    ],
    [
      'one RANK for all',
      { ...slurm, SLURM_PROCID: '2', RANK: '0', WORLD_SIZE: '4' },
      /^RANK=0 contradicts SLURM_PROCID=2 of Slurm; do not set RANK/,
    ],
  ])('%s', (_, environment, message) => {
    expect(() => plan(environment)).toThrowError(expect.objectContaining({ code: 'config' }));
    expect(() => plan(environment)).toThrowError(message);
  });
});

it('reads the lists that Slurm abbreviates', () => {
  expect(['n[0-2]', 'gpu[08-11,20],login1', 'a1,b2', 'r[2,4]n[1-3]', 'one', ''].map(firstHost)).toEqual([
    ...['n0', 'gpu08', 'a1', 'r2n1', 'one', undefined],
  ]);
  expect(['2(x3),1', '1,4', ''].map(mostRanksOfHost)).toEqual(['2', '4', undefined]);
});
