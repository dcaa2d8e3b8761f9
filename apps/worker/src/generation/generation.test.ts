/** Runs and generations of one process: what ends with each, and what stays. */
import { decodeHeader, type FrameKind, type Header } from '@lockstep/collectives';
import type { WorkerEvent } from '@lockstep/protocol';
import { type Experiment, resolveConfig, trainLocally } from '@lockstep/training';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createSharedCompiler } from '../fixtures/compiler.ts';
import { small, wide } from '../fixtures/experiments.ts';
import { createInThreadPool } from '../fixtures/in-thread-pool.ts';
import { createLanes } from '../network/lanes.ts';
import { openRun, type Run } from '../run/run.ts';
import { createTracer } from '../tracer.ts';
import { createWorkerProcess, type WorkerProcess } from '../worker-process.ts';
import { type Generation, openGeneration } from './generation.ts';

const shards = (worker: string, rank: number, start: number, count: number) => ({
  ...{ worker, rank, endpoint: `tcp://127.0.0.1:${1 + rank}` },
  shards: { start, count },
});

/** The process of worker a, whose peers get nothing. `next`: the next event that is raised. */
function processOf(experiments: readonly Experiment[]) {
  const events: WorkerEvent[] = [];
  const left = [...experiments];
  let compiler = createSharedCompiler(left[0]!);
  let told = (): void => {};
  const sent: FrameKind[] = [];
  const mesh = {
    connect: () => undefined,
    disconnect: () => undefined,
    sendOwned(_peer: string, [head, payload]: readonly Uint8Array[]) {
      const decoded = decodeHeader(head!, payload!.byteLength);
      if (decoded.ok) sent.push(decoded.header.kind);
      return decoded.ok;
    },
  };
  const unused = (): never => expect.unreachable();
  const process: WorkerProcess = createWorkerProcess({
    ...{ worker: 'a', mesh, lanes: createLanes(mesh, false), hooks: {}, tracer: createTracer() },
    compiler: {
      load(...request) {
        compiler = createSharedCompiler(left.shift()!);
        return compiler.load(...request);
      },
      plan: (sizes) => compiler.plan(sizes),
      search: unused,
      close: async () => undefined,
    },
    pool: createInThreadPool({ worker: 'a', numThreads: 2 }),
    log: pino({ level: 'silent' }),
    ...{ send: unused, rawFrames: () => [], welcome: () => undefined, exit: unused },
    raise(event) {
      events.push(event);
      told();
    },
  });
  const next = async (): Promise<WorkerEvent> => {
    while (events.length === 0) {
      await new Promise<void>((resolve) => {
        told = resolve;
      });
    }
    return events.shift()!;
  };
  return { process, sent, events, next };
}

const open = (process: WorkerProcess, experiment: Experiment): Promise<Run> => {
  const config = resolveConfig(experiment);
  return openRun({ name: 'run', bundle: new Uint8Array(0), hash: '', config, record: 'off' }, process);
};

function enter(
  process: WorkerProcess,
  run: Run,
  generation: number,
  members = [shards('a', 0, 0, run.config.numShards)],
): Generation {
  return openGeneration(process, run, {
    ...{ type: 'connect', incarnation: 1, generation, profile: 'portable', rank: 0, members },
  });
}

/** Of rank 1, for a generation's state. */
const requestOf = (generation: number): Header => ({
  ...{ kind: 'snapshot-request', run: 1, generation, rank: 1, step: 0, frameId: 1 },
  ...{ level: 0, index: 0, chunk: 0, length: 0, direct: false },
});

/** Makes the state of step 0 and trains one step of it. Gives the fingerprint. */
async function trainOneStep(run: Run, generation: Generation, next: () => Promise<WorkerEvent>) {
  generation.transfers.initialise();
  expect(await next()).toMatchObject({ type: 'stateReady', step: 0 });
  run.replica.commit();
  for (let segment = 0; segment < run.outline.numSegments; segment++) {
    generation.training.runSegment({ type: 'runSegment', step: 1, segment });
    expect(await next()).toEqual({ type: 'segmentDone' });
    const exchange = { type: 'exchange', generation: generation.number, step: 1, exchange: segment } as const;
    generation.training.exchange(exchange);
    expect(await next()).toEqual({ ...exchange, type: 'exchangeDone' });
  }
  generation.training.runUpdate({ type: 'runUpdate', step: 1, fingerprint: true, stateHash: false });
  const done = await next();
  return done.type === 'updateDone' ? done.fingerprint : undefined;
}

const expected = async (experiment: Experiment): Promise<string> => {
  const config = resolveConfig(experiment, { steps: 1 });
  return trainLocally({ experiment, dataset: await experiment.data.load(), config }).fingerprint;
};

it('a process serves one run after the other, on the same threads', async () => {
  const { process, events, next } = processOf([small, wide, small]);
  for (const experiment of [small, wide, small]) {
    const run = await open(process, experiment);
    const generation = enter(process, run, 1);
    expect(await trainOneStep(run, generation, next)).toBe(await expected(experiment));
    generation.close();
    await run.close();
    // Nothing of it goes on.
    generation.training.runSegment({ type: 'runSegment', step: 2, segment: 0 });
    // The next run finds in the memory what this one left, or anything else: here NaN everywhere.
    new Uint8Array(process.memory.of(1).buffer).fill(0xff);
  }
  expect(events).toEqual([]);
});

it('early frames of a generation are kept until this worker enters it', async () => {
  const { process, next } = processOf([small]);
  const run = await open(process, small);
  const half = run.config.numShards / 2;
  const members = [shards('a', 0, 0, half), shards('b', 1, half, half)];
  const first = enter(process, run, 1, members);
  first.transfers.initialise();
  await next();
  const header = requestOf(2);
  first.receive(header, new Uint8Array(0));
  first.receive({ ...header, kind: 'partial' }, new Uint8Array(0));
  first.receive({ ...header, generation: 1, kind: 'partial', run: 99 }, new Uint8Array(0));
  first.close();
  expect(run.early.takeRequests(2)).toEqual([header]);
  expect(run.early.held.take({ generation: 2, step: 0, frameId: 1 })).toHaveLength(1);
});

it('an aborted generation raises no event of an exchange, and commits nothing', async () => {
  const { process, events, next } = processOf([small]);
  const run = await open(process, small);
  const half = run.config.numShards / 2;
  const generation = enter(process, run, 1, [shards('a', 0, 0, half), shards('b', 1, half, half)]);
  generation.transfers.initialise();
  await next();
  run.replica.commit();
  generation.training.runSegment({ type: 'runSegment', step: 1, segment: 0 });
  await next();
  generation.training.exchange({ type: 'exchange', generation: 1, step: 1, exchange: 0 });
  generation.abort();
  const { copy } = run.replica;
  // Behind every job of the generation.
  await new Promise<void>((resolve) => run.jobs.add(resolve));
  expect(events).toEqual([]);
  run.replica.commit();
  expect(run.replica.copy).toBe(copy);
  expect(generation.hasMember('b')).toBe(true);
});

it('a generation serves its state, also to members that asked early, until an update is asked for', async () => {
  const { process, sent, next } = processOf([small]);
  const run = await open(process, small);
  run.early.put(requestOf(1), new Uint8Array(0));
  const half = run.config.numShards / 2;
  const generation = enter(process, run, 1, [shards('a', 0, 0, half), shards('b', 1, half, half)]);
  generation.transfers.initialise();
  await next();
  run.replica.commit();
  generation.transfers.serve({ type: 'serveSnapshot', generation: 1, step: 0 });
  await new Promise<void>((resolve) => run.jobs.add(resolve));
  expect(sent.at(-1)).toBe('snapshot-end');
  const numSent = sent.length;
  generation.training.runUpdate({ type: 'runUpdate', step: 1, fingerprint: false, stateHash: false });
  generation.receive(requestOf(1), new Uint8Array(0));
  expect(sent).toHaveLength(numSent);
  await run.close();
});
