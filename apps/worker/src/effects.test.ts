import { zeros } from '@lockstep/autodiff';
import type { Dataset } from '@lockstep/data';
import { fromArrays } from '@lockstep/data';
import { LockstepError } from '@lockstep/errors';
import type { Exit, Member, WorkerEvent } from '@lockstep/protocol';
import { createSchedule, exportPrograms } from '@lockstep/run';
import { compilePrograms, defineExperiment, hashesOf, resolveConfig } from '@lockstep/training';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Compiler } from './compiler/compiler.ts';
import type { Compiled } from './compiler/messages.ts';
import type { Pool } from './compute/pool.ts';
import { createEffects, type Effects } from './effects.ts';
import { createLanes } from './network/lanes.ts';
import { createTracer } from './tracer.ts';

const experiment = defineExperiment({
  data: fromArrays({ x: [1, 2, 3, 4], y: [2, 4, 6, 8] }, { name: 'line' }),
  init: () => ({ w: zeros([]) }),
  loss: ({ w }, { x, y }) => x!.mul(w).sub(y!).square(),
  optimizer: { init: () => ({}), update: (grads, state) => [grads, state] },
  batch: { size: 4, shards: 2 },
});
const config = resolveConfig(experiment);

function compile(dataset: Dataset): Compiled {
  const { totalSteps } = createSchedule(config, dataset.splits.train.size, false);
  const programs = compilePrograms(experiment, dataset, config, totalSteps);
  const hashes = hashesOf(programs, undefined);
  return { dataset, programs: exportPrograms(programs, [1, 2]), earlyStopping: undefined, hashes };
}

interface Stage {
  readonly effects: Effects;
  readonly events: readonly WorkerEvent[];
  readonly errors: readonly unknown[];
  readonly exited: Promise<Exit>;
  /** Resolves with the next event that is raised. */
  next(): Promise<WorkerEvent>;
}

/** Effects over a scripted compiler and pool, with no peers. */
function stage(parts: { readonly compiler?: Partial<Compiler>; readonly pool?: Partial<Pool> }): Stage {
  const events: WorkerEvent[] = [];
  const errors: unknown[] = [];
  let told = (_event: WorkerEvent): void => {};
  let exit = (_exit: Exit): void => {};
  const exited = new Promise<Exit>((resolve) => {
    exit = resolve;
  });
  const unused = (): never => {
    throw new Error('not part of this test');
  };
  const mesh = { connect: unused, disconnect: unused, sendOwned: unused };
  const log = pino({ level: 'error' }, { write: (line) => void errors.push(JSON.parse(line)) });
  const effects = createEffects({
    worker: 'a',
    compiler: { load: unused, plan: unused, search: unused, close: async () => {}, ...parts.compiler },
    pool: {
      numThreads: 1,
      configure: async () => undefined,
      runAll: async () => 0,
      runFirst: async () => 0,
      runUpdate: unused,
      runStep: unused,
      abortStep() {},
      invite: unused,
      reachesAll: false,
      close: async () => {},
      ...parts.pool,
    },
    mesh,
    lanes: createLanes(mesh, false),
    log,
    hooks: {},
    tracer: createTracer(),
    send: unused,
    rawFrames: () => [new Uint8Array(0)],
    welcome: () => ({
      type: 'welcome',
      run: 'run',
      incarnation: 1,
      config: {},
      experiment: { name: 'line', hash: 'hash' },
      heartbeatMs: 1,
      livenessMs: 1,
      step: 0,
      frames: [0],
    }),
    raise: (event) => {
      events.push(event);
      told(event);
    },
    exit,
  });
  const next = (): Promise<WorkerEvent> =>
    new Promise((resolve) => {
      told = resolve;
    });
  return { effects, events, errors, exited, next };
}

const members: readonly Member[] = [
  { worker: 'a', rank: 0, endpoint: 'tcp://127.0.0.1:1', shards: { start: 0, count: 2 } },
];
const load = { type: 'load', config: { run: config } } as const;
const connect = (generation: number) =>
  ({ type: 'connect', incarnation: 1, generation, profile: 'portable', rank: 0, members }) as const;
const runSegment = { type: 'runSegment', step: 1, segment: 0 } as const;

it('drops the jobs behind a job that failed', async () => {
  const dataset = await experiment.data.load();
  let numConfigured = 0;
  const { effects, events, exited, next } = stage({
    compiler: { load: async () => compile(dataset) },
    pool: {
      configure: async () => {
        if (++numConfigured === 2) throw new LockstepError('internal', 'no memory is left');
        return undefined;
      },
    },
  });
  const isLoaded = next();
  effects.carryOut(load);
  expect(await isLoaded).toMatchObject({ type: 'loaded' });
  const isReady = next();
  effects.carryOut(connect(1));
  effects.carryOut({ type: 'initialise', generation: 1 });
  expect(await isReady).toMatchObject({ type: 'stateReady', generation: 1, step: 0 });
  effects.carryOut({ type: 'commit', step: 0 });
  const hasFailed = next();
  effects.carryOut(connect(2));
  effects.carryOut(runSegment);
  expect(await hasFailed).toMatchObject({ type: 'failed', error: { message: 'no memory is left' } });
  effects.carryOut({ type: 'exit', reason: 'failed' });
  await exited;
  expect(events.map(({ type }) => type)).toEqual(['loaded', 'stateReady', 'failed']);
});

it('does not report an error of a thread that ends with the worker', async () => {
  let giveUp = (_error: LockstepError): void => {};
  const loading = new Promise<Compiled>((_resolve, reject) => {
    giveUp = reject;
  });
  const { effects, events, errors, exited } = stage({ compiler: { load: () => loading } });
  effects.carryOut(load);
  effects.carryOut({ type: 'exit', reason: 'left' });
  expect(await exited).toMatchObject({ reason: 'left' });
  giveUp(new LockstepError('lost', 'the compiler thread ended'));
  await loading.catch(() => undefined);
  // The effects handle the rejection in microtasks, which all run before the next task.
  await new Promise(setImmediate);
  expect([events, errors]).toEqual([[], []]);
});

describe('a release', () => {
  const release = { type: 'release' } as const;
  const settled = () => new Promise(setImmediate);

  it('waits for the job that runs, drops the others, and lets nothing of the run be heard any more', async () => {
    const dataset = await experiment.data.load();
    let end = (_ms: number): void => {};
    const computing = new Promise<number>((resolve) => {
      end = resolve;
    });
    const { effects, events, next } = stage({
      compiler: { load: async () => compile(dataset) },
      pool: { runAll: () => computing },
    });
    effects.carryOut(load);
    await next();
    effects.carryOut(connect(1));
    effects.carryOut({ type: 'initialise', generation: 1 });
    await next();
    effects.carryOut({ type: 'commit', step: 0 });
    effects.carryOut(runSegment);
    effects.carryOut({ type: 'runSegment', step: 1, segment: 1 });
    await settled();
    effects.carryOut(release);
    await settled();
    expect(events.map(({ type }) => type)).toEqual(['loaded', 'stateReady']);
    const isReleased = next();
    end(1);
    expect(await isReleased).toEqual({ type: 'released' });
    // Another run, whose generation has the same number.
    effects.carryOut(load);
    expect(await next()).toMatchObject({ type: 'loaded' });
    effects.carryOut(connect(1));
    effects.carryOut({ type: 'initialise', generation: 1 });
    expect(await next()).toMatchObject({ type: 'stateReady', generation: 1 });
    expect(events).toHaveLength(5);
  });

  it('waits for an experiment that is being loaded, and does not tell of it', async () => {
    let giveUp = (_error: Error): void => {};
    const loading = new Promise<Compiled>((_resolve, reject) => {
      giveUp = reject;
    });
    const { effects, events, next, exited } = stage({ compiler: { load: () => loading } });
    effects.carryOut(load);
    effects.carryOut(release);
    await settled();
    expect(events).toEqual([]);
    const isReleased = next();
    giveUp(new LockstepError('data', 'no such file'));
    expect(await isReleased).toEqual({ type: 'released' });
    effects.carryOut({ type: 'exit', reason: 'finished' });
    expect(await exited).toMatchObject({ reason: 'finished' });
  });
});
