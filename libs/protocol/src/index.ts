/** The control messages, and the pure state machines of membership and steps. */

export {
  COORDINATOR_TIMEOUT_MS,
  FRAME_BYTES,
  HEARTBEAT_MS,
  HELLO_RETRY_MS,
  LINGER_MS,
  LIVENESS_MS,
  MAX_FRAME_BYTES,
  MAX_FRAMES,
  MAX_MESSAGE_BYTES,
  MAX_NAMES_LENGTH,
  MAX_RECORD_BYTES,
  MAX_SHARDS,
  PROTOCOL_VERSION,
  RETURN_WAIT_MS,
  TICK_MS,
} from './constants.ts';
export { advanceCoordinator, createCoordinator, recover } from './coordinator/machine.ts';
export type {
  CoordinatorConfig,
  CoordinatorEffect,
  CoordinatorEvent,
  CoordinatorPhase,
  CoordinatorState,
  HeldCheckpoint,
  JournalEntry,
  LossReason,
  Outcome,
  Pause,
  Recovered,
  RunEvent,
  WorkerRecord,
  WorkerStatus,
} from './coordinator/state.ts';
export { advanceDispatcher, createDispatcher } from './dispatcher/machine.ts';
export type {
  DispatcherConfig,
  DispatcherEffect,
  DispatcherEvent,
  DispatcherState,
  PoolEvent,
  RunBound,
  RunNeeds,
} from './dispatcher/state.ts';
export {
  type Decoded,
  decodeCoordinatorMessage,
  decodeWorkerMessage,
  encodeMessage,
  framesMatch,
} from './messages/codec.ts';
export { cutFrames, joinFrames } from './messages/frames.ts';
export type {
  CoordinatorMessage,
  Hello,
  Member,
  NonFiniteFound,
  OpaqueRecord,
  Profile,
  ProgramHashes,
  RefusalCode,
  Source,
  StepRecord,
  StopReason,
  WorkerMessage,
} from './messages/messages.ts';
export { assignShards, type ShardRange } from './shards.ts';
export {
  type Faults,
  type SimulationOptions,
  type SimulationResult,
  simulate,
} from './simulator/simulate.ts';
export {
  type PoolFaults,
  type PoolSimulationOptions,
  type PoolSimulationResult,
  simulatePool,
} from './simulator/simulate-pool.ts';
export { advanceWorker, createWorker } from './worker/machine.ts';
export type {
  Activity,
  Exit,
  Membership,
  ProgramOutline,
  StepPlan,
  WorkerConfig,
  WorkerEffect,
  WorkerEvent,
  WorkerState,
} from './worker/state.ts';
