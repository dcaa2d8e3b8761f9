/**
 * The closed vocabulary of the control plane, as schemas. Messages name raw frames by their lengths in bytes
 * (`frames`); the frames themselves follow the message on the wire.
 *
 * Steps count commits: state 0 is the initial one, step k turns state k-1 into state k, and -1 is no state.
 */

import type { ErrorCode } from '@lockstep/errors';
import { MAX_FRAME_BYTES, MAX_FRAMES, MAX_SHARDS, MAX_TEXT_LENGTH } from '../constants.ts';
import {
  array,
  boolean,
  type Infer,
  integer,
  matching,
  object,
  oneOf,
  optional,
  record,
  string,
  stringOr,
  variants,
} from './schema.ts';

const count = integer({ min: 0 });
const step = integer({ min: -1 });
const text = string({ max: MAX_TEXT_LENGTH });
const name = string({ min: 1, max: 256 });
const workerId = matching(/^[\w-]{1,64}$/, 'a worker id is 1 to 64 letters, digits, - or _');
const frames = array(integer({ min: 0, max: MAX_FRAME_BYTES }), { max: MAX_FRAMES });
const profile = oneOf(['portable', 'fma']);

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

const wireError = object({ code: oneOf(errorCodes), message: text, facts: record, stack: optional(text) });

const shards = object({
  start: integer({ min: 0, max: MAX_SHARDS }),
  count: integer({ min: 1, max: MAX_SHARDS }),
});

const member = object({ worker: workerId, rank: count, endpoint: name, shards });

const source = stringOr(oneOf(['init', 'checkpoint']), object({ worker: workerId }));

const refusal = oneOf([
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

const stopReason = oneOf(['finished', 'interrupted', 'failed']);

export const workerMessage = variants({
  hello: {
    protocol: count,
    worker: workerId,
    threads: integer({ min: 1, max: 4_096 }),
    profiles: array(profile, { min: 1, max: 2 }),
    /** Where peers connect to this worker's data plane. */
    endpoint: name,
    host: name,
    pid: count,
    version: name,
    nodeVersion: name,
    experimentHash: optional(name),
    dataHash: optional(name),
  },
  /** The experiment is loaded and traced: the worker can be made a member without making others wait. */
  loaded: { dataHash: optional(name) },
  /** Parked at a safe point, holding the state of `step`; answers `prepare`. */
  ready: { generation: count, step },
  /** Every member's report carries the step's metrics, so that no crash can leave a gap in them. */
  committed: { generation: count, step, fingerprint: optional(name), report: record },
  evaluated: { generation: count, step, final: boolean, report: record },
  /** The data link to a peer broke. */
  lost: { generation: count, peer: workerId },
  finished: { generation: count, step, fingerprint: name, result: record },
  /** An error in the user's experiment: it would come back on any worker, so it ends the run. */
  failed: { error: wireError },
  checkpoint: { step, header: record, frames },
  leave: {},
  heartbeat: {},
});

export const coordinatorMessage = variants({
  /** `frames`: the experiment bundle. `step`: the last step reported, as in `heartbeat`. */
  welcome: {
    run: name,
    incarnation: count,
    config: record,
    experiment: object({ name, hash: name }),
    heartbeatMs: integer({ min: 1 }),
    livenessMs: integer({ min: 1 }),
    step,
    frames,
  },
  refused: { code: refusal, message: text },
  /** Stop at the next safe point and answer `ready`. */
  prepare: { generation: count },
  /** Everybody continues after `step`; who does not hold its state takes it from `source`. */
  begin: {
    generation: count,
    profile,
    members: array(member, { min: 1, max: MAX_SHARDS }),
    step,
    source,
  },
  restore: { generation: count, step, header: record, frames },
  /** Send a checkpoint of the state you hold. */
  save: {},
  stop: { reason: stopReason, message: optional(text) },
  /** `step`: the last step whose report arrived; workers need not keep older reports. */
  heartbeat: { step },
});

export type Profile = Infer<typeof profile>;
export type Member = Infer<typeof member>;
export type Source = Infer<typeof source>;
export type RefusalCode = Infer<typeof refusal>;
export type StopReason = Infer<typeof stopReason>;
export type OpaqueRecord = Infer<typeof record>;
export type WorkerMessage = Infer<typeof workerMessage>;
export type CoordinatorMessage = Infer<typeof coordinatorMessage>;
export type Hello = Extract<WorkerMessage, { type: 'hello' }>;
