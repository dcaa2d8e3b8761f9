/**
 * All messages of the control plane, as schemas. A message announces its raw frames by their lengths in bytes
 * (`frames`); the frames follow the message on the wire.
 *
 * Steps count commits: state 0 is the initial one, step k turns state k-1 into state k, and -1 means no state.
 */

import type { ErrorCode } from '@lockstep/errors';
import * as v from 'valibot';
import {
  MAX_FRAME_BYTES,
  MAX_FRAMES,
  MAX_NAMES_LENGTH,
  MAX_RECORD_BYTES,
  MAX_SHARDS,
  MAX_TEXT_LENGTH,
} from '../constants.ts';

/** Unknown keys are dropped. */
const object = <Entries extends v.ObjectEntries>(entries: Entries) => v.pipe(v.object(entries), v.readonly());

/** An array whose length is checked before its items. */
const list = <const Item extends v.GenericSchema>(item: Item, min: number, max: number) =>
  v.pipe(v.instance(Array), v.minLength(min), v.maxLength(max), v.array(item), v.readonly());

const integer = (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(min), v.maxValue(max));

const count = integer(0);
const step = integer(-1);
const text = v.pipe(v.string(), v.maxLength(MAX_TEXT_LENGTH));
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const workerId = v.pipe(
  v.string(),
  v.regex(/^[\w-]{1,64}$/, 'a worker id is 1 to 64 letters, digits, - or _'),
);
const frames = list(integer(0, MAX_FRAME_BYTES), 0, MAX_FRAMES);
const profile = v.picklist(['portable', 'fma']);

/** A plain object with string keys. `v.record` would accept arrays and drop a key `constructor`. */
const record = v.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype,
  ({ received }) => `Invalid type: Expected a plain object but received ${received}`,
);

const errorCodes = [
  'shape',
  'dtype',
  'argument',
  'trace',
  'experiment',
  'data',
  'config',
  'address',
  'credentials',
  'refused',
  'protocol',
  'lost',
  'checkpoint',
  'file',
  'internal',
] as const satisfies readonly ErrorCode[];

const wireError = object({
  code: v.picklist(errorCodes),
  message: text,
  facts: record,
  stack: v.exactOptional(text),
});

const shards = object({ start: integer(0, MAX_SHARDS), count: integer(1, MAX_SHARDS) });

const member = object({ worker: workerId, rank: count, endpoint: name, shards });

const origin = v.picklist(['init', 'checkpoint']);
const holder = object({ worker: workerId });
/** `v.union` would lose the path of a mismatch inside the object. */
const source = v.lazy((value) => (typeof value === 'string' ? origin : holder));

const refusal = v.picklist([
  /** The worker differs from the run. Final. */
  'protocol',
  'version',
  'build',
  'experiment',
  'data',
  'programs',
  'profile',
  /** The worker failed where others did not: while it loaded, or before its first step. Final. */
  'failed',
  /** Peers cannot reach the worker's endpoint. Final. */
  'unreachable',
  /** The coordinator does not know this worker, or not any more. The worker may say hello again, and keeps its state. */
  'unknown',
]);

/** SHA-256 of the traced programs, before planning: the same on all workers of a run. */
const programHashes = object({
  initialisation: name,
  step: name,
  update: name,
  evaluation: name,
  /** Settings that change a result without being part of a program: early stopping, names and shapes of all arrays. */
  settings: name,
});

const stopReason = v.picklist(['finished', 'interrupted', 'failed', 'nonFinite']);

/**
 * What is not finite. `step`: the loss or gradients of the step; the sender holds the state before it. `update`: the state
 * that the update of the step made; the sender has taken the update back. `state`: the state of the step, which the sender
 * holds.
 */
const nonFinite = object({
  cause: v.picklist(['step', 'update', 'state']),
  step: count,
  what: list(text, 1, 16),
});

/** What a member records of a step. */
const stepRecord = object({
  rank: count,
  /** Those of the member. */
  shards,
  /** The shards that each of its blocks has; none where only the state is recorded. */
  blocks: list(shards, 0, MAX_SHARDS),
  /** A number that stands for the names of the digests: equal names have equal numbers. */
  form: count,
  /** The names as JSON, in the first report of a generation. */
  names: v.exactOptional(v.pipe(v.string(), v.maxLength(MAX_NAMES_LENGTH))),
  /** Eight bytes each: those that all members share, then those of each block. */
  digests: v.pipe(v.instance(Uint8Array), v.maxLength(MAX_RECORD_BYTES)),
});

/** Workers check each new state, and nobody uses a state that was not checked. */
const careful = v.exactOptional(v.literal(true));

/** Of a run, which it names. */
const runMessage = <const Type extends string, Entries extends v.ObjectEntries>(
  type: Type,
  entries: Entries,
) => object({ type: v.literal(type), run: name, ...entries });

/** In a pool, every message names the run that it belongs to. A hello without it comes from a worker that is in no run. */
const message = <const Type extends string, Entries extends v.ObjectEntries>(type: Type, entries: Entries) =>
  object({ type: v.literal(type), run: v.exactOptional(name), ...entries });

export const workerMessage = v.variant('type', [
  message('hello', {
    protocol: count,
    worker: workerId,
    threads: integer(1, 4_096),
    profiles: list(profile, 1, 2),
    /** The endpoint of this worker's data plane. */
    endpoint: name,
    host: name,
    pid: count,
    version: name,
    /** Hash of the packages' code, kernels and lock file. */
    build: name,
    nodeVersion: name,
    experimentHash: v.exactOptional(name),
    dataHash: v.exactOptional(name),
  }),
  /** The experiment is loaded and traced: this worker can become a member without a delay for the others. */
  message('loaded', { dataHash: v.exactOptional(name), programs: v.exactOptional(programHashes) }),
  /** Answers `prepare`: the worker is parked at a safe point and holds the state of `step`. */
  message('ready', { generation: count, step }),
  /**
   * The report of every member has the step's metrics, so that a crash cannot leave a gap in them. `stateHash` covers the
   * optimizer's state too, and `digest` the results of the step's exchanges besides.
   */
  message('committed', {
    generation: count,
    step,
    fingerprint: v.exactOptional(name),
    stateHash: v.exactOptional(name),
    digest: v.exactOptional(name),
    record: v.exactOptional(stepRecord),
    report: record,
  }),
  message('evaluated', { generation: count, step, final: v.boolean(), report: record }),
  /** The data link to a peer broke. */
  message('lost', { generation: count, peer: workerId }),
  message('finished', { generation: count, step, fingerprint: name, result: record }),
  /** Loading or computing failed on this worker. If it would fail on any worker, the run ends. */
  message('failed', { error: wireError }),
  message('checkpoint', { step, header: record, frames }),
  /** The worker stopped before the update of the step, or at its state. */
  message('nonFinite', { generation: count, found: nonFinite }),
  /** Answers `search` with the place in the experiment. */
  message('searched', { step: count, message: text }),
  message('leave', {}),
  message('heartbeat', {}),
]);

export const coordinatorMessage = v.variant('type', [
  /** `frames`: the experiment's bundle. `step`: the last reported step, as in `heartbeat`. */
  runMessage('welcome', {
    incarnation: count,
    config: record,
    experiment: object({ name, hash: name }),
    heartbeatMs: integer(1),
    livenessMs: integer(1),
    step,
    frames,
    /** The run shares its workers with others: its end frees a worker and does not end it. */
    pooled: v.exactOptional(v.literal(true)),
  }),
  message('refused', { code: refusal, message: text }),
  /** Stop at the next safe point and answer `ready`. */
  message('prepare', { generation: count, careful }),
  /** All members continue after `step`. A member without the state of `step` takes it from `source`. */
  message('begin', {
    generation: count,
    profile,
    members: list(member, 1, MAX_SHARDS),
    step,
    source,
    careful,
  }),
  message('restore', { generation: count, step, header: record, frames }),
  /** Send a checkpoint of your state. */
  message('save', {}),
  /** From your state, find the operation that is not finite in the next step, `step`. */
  message('search', { step: count }),
  /** Leave the run: end the job that runs, forget the run's state, and say hello again. */
  runMessage('release', {}),
  /** The run has ended. A pooled worker leaves it as after `release`; one that is in no run ends. */
  message('stop', { reason: stopReason, message: v.exactOptional(text) }),
  /** `step`: the last step whose report arrived. Workers need not keep older reports. */
  message('heartbeat', { step }),
]);

export type Profile = v.InferOutput<typeof profile>;
export type Member = v.InferOutput<typeof member>;
export type ProgramHashes = v.InferOutput<typeof programHashes>;
export type Source = v.InferOutput<typeof source>;
export type RefusalCode = v.InferOutput<typeof refusal>;
export type StopReason = v.InferOutput<typeof stopReason>;
/** What is not finite, and in which step. */
export type NonFiniteFound = v.InferOutput<typeof nonFinite>;
export type StepRecord = v.InferOutput<typeof stepRecord>;
export type OpaqueRecord = v.InferOutput<typeof record>;
export type WorkerMessage = v.InferOutput<typeof workerMessage>;
export type CoordinatorMessage = v.InferOutput<typeof coordinatorMessage>;
export type Hello = Extract<WorkerMessage, { type: 'hello' }>;
