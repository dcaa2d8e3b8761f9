/**
 * The closed vocabulary of the control plane, as schemas. Messages name raw frames by their lengths in bytes
 * (`frames`); the frames themselves follow the message on the wire.
 *
 * Steps count commits: state 0 is the initial one, step k turns state k-1 into state k, and -1 is no state.
 */

import type { ErrorCode } from '@lockstep/errors';
import { z } from 'zod';
import { MAX_FRAME_BYTES, MAX_FRAMES, MAX_SHARDS, MAX_TEXT_LENGTH } from '../constants.ts';

const count = z.int().nonnegative();
const step = z.int().min(-1);
const text = z.string().max(MAX_TEXT_LENGTH);
const name = z.string().min(1).max(256);
const workerId = z.string().regex(/^[\w-]{1,64}$/, 'a worker id is 1 to 64 letters, digits, - or _');
const frames = z.array(z.int().min(0).max(MAX_FRAME_BYTES)).max(MAX_FRAMES).readonly();
const record = z.record(z.string(), z.unknown()).readonly();
const profile = z.enum(['portable', 'fma']);

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
  'internal',
] as const satisfies readonly ErrorCode[];

const wireError = z
  .object({ code: z.enum(errorCodes), message: text, facts: record, stack: text.exactOptional() })
  .readonly();

const shards = z.object({ start: count.max(MAX_SHARDS), count: z.int().min(1).max(MAX_SHARDS) }).readonly();

const member = z.object({ worker: workerId, rank: count, endpoint: name, shards }).readonly();

const source = z.union([z.enum(['init', 'checkpoint']), z.object({ worker: workerId }).readonly()]);

const refusal = z.enum([
  /** Differs from the run; final. */
  'protocol',
  'version',
  'experiment',
  'data',
  'profile',
  /** Peers cannot reach its endpoint; final. */
  'unreachable',
  /** The coordinator does not know this worker (any more): it may say hello again, and keeps its state. */
  'unknown',
]);

const stopReason = z.enum(['finished', 'interrupted', 'failed']);

function message<Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return z.object({ type: z.literal(type), ...shape }).readonly();
}

export const workerMessage = z.discriminatedUnion('type', [
  message('hello', {
    protocol: count,
    worker: workerId,
    threads: z.int().min(1).max(4_096),
    profiles: z.array(profile).min(1).max(2).readonly(),
    /** Where peers connect to this worker's data plane. */
    endpoint: name,
    host: name,
    pid: count,
    version: name,
    nodeVersion: name,
    experimentHash: name.exactOptional(),
    dataHash: name.exactOptional(),
  }),
  /** The experiment is loaded and traced: the worker can be made a member without making others wait. */
  message('loaded', { dataHash: name.exactOptional() }),
  /** Parked at a safe point, holding the state of `step`; answers `prepare`. */
  message('ready', { generation: count, step }),
  /** Every member's report carries the step's metrics, so that no crash can leave a gap in them. */
  message('committed', { generation: count, step, fingerprint: name.exactOptional(), report: record }),
  message('evaluated', { generation: count, step, final: z.boolean(), report: record }),
  /** The data link to a peer broke. */
  message('lost', { generation: count, peer: workerId }),
  message('finished', { generation: count, step, fingerprint: name, result: record }),
  /** An error in the user's experiment: it would come back on any worker, so it ends the run. */
  message('failed', { error: wireError }),
  message('checkpoint', { step, header: record, frames }),
  message('leave', {}),
  message('heartbeat', {}),
]);

export const coordinatorMessage = z.discriminatedUnion('type', [
  /** `frames`: the experiment bundle. `step`: the last step reported, as in `heartbeat`. */
  message('welcome', {
    run: name,
    incarnation: count,
    config: record,
    experiment: z.object({ name, hash: name }).readonly(),
    heartbeatMs: z.int().min(1),
    livenessMs: z.int().min(1),
    step,
    frames,
  }),
  message('refused', { code: refusal, message: text }),
  /** Stop at the next safe point and answer `ready`. */
  message('prepare', { generation: count }),
  /** Everybody continues after `step`; who does not hold its state takes it from `source`. */
  message('begin', {
    generation: count,
    profile,
    members: z.array(member).min(1).max(MAX_SHARDS).readonly(),
    step,
    source,
  }),
  message('restore', { generation: count, step, header: record, frames }),
  /** Send a checkpoint of the state you hold. */
  message('save', {}),
  message('stop', { reason: stopReason, message: text.exactOptional() }),
  /** `step`: the last step whose report arrived; workers need not keep older reports. */
  message('heartbeat', { step }),
]);

export type Profile = z.infer<typeof profile>;
export type Member = z.infer<typeof member>;
export type Source = z.infer<typeof source>;
export type RefusalCode = z.infer<typeof refusal>;
export type StopReason = z.infer<typeof stopReason>;
export type OpaqueRecord = z.infer<typeof record>;
export type WorkerMessage = z.infer<typeof workerMessage>;
export type CoordinatorMessage = z.infer<typeof coordinatorMessage>;
export type Hello = Extract<WorkerMessage, { type: 'hello' }>;
