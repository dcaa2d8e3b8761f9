/** What lives as long as the worker's process, whichever run it works for: sockets, threads, and the ways to its machine. */
import type { Combine } from '@lockstep/collectives';
import { toWireError } from '@lockstep/errors';
import { createEagerKernels } from '@lockstep/kernels';
import type { CoordinatorMessage, Exit, WorkerEvent, WorkerMessage } from '@lockstep/protocol';
import { combineWith } from '@lockstep/run';
import type { Mesh } from '@lockstep/transport';
import type { Logger } from 'pino';
import type { Compiler } from './compiler/compiler.ts';
import type { Pool } from './compute/pool.ts';
import { createProcessMemory, type ProcessMemory } from './compute/process-memory.ts';
import type { WorkerHooks } from './hooks.ts';
import { createInvitations, type Invitations, threadLane } from './network/invitations.ts';
import type { Lanes } from './network/lanes.ts';
import { createLeftRuns, type LeftRuns } from './network/left-runs.ts';
import { createPeers, type Peers } from './network/peers.ts';
import type { Tracer } from './tracer.ts';

export type Welcome = Extract<CoordinatorMessage, { type: 'welcome' }>;

/** What a worker is made of. */
export interface WorkerParts {
  readonly worker: string;
  readonly compiler: Compiler;
  readonly pool: Pool;
  readonly mesh: Pick<Mesh, 'connect' | 'disconnect' | 'sendOwned'>;
  /** Of the main thread. */
  readonly lanes: Lanes;
  readonly log: Logger;
  readonly hooks: WorkerHooks;
  readonly tracer: Tracer;
  /** Sends to the coordinator. */
  send(message: WorkerMessage, frames?: readonly Uint8Array[]): void;
  /** The raw frames that came with the coordinator's latest message. */
  rawFrames(): readonly Uint8Array[];
  /** The coordinator's latest welcome. */
  welcome(): Welcome | undefined;
  /** Hands an event to the machine: at once, or after the effects that are being carried out. */
  raise(event: WorkerEvent): void;
  exit(exit: Exit): void;
}

export interface WorkerProcess extends WorkerParts {
  readonly combine: Combine;
  readonly memory: ProcessMemory;
  readonly peers: Peers;
  /** To the lane of the first compute thread. */
  readonly threadInvitations: Invitations;
  readonly leftRuns: LeftRuns;
  /** Logs an error and tells the machine, unless the process ends: its threads end with it, whatever they are doing. */
  fail(error: unknown): void;
  /** From now on no error is reported. */
  end(): void;
}

export function createWorkerProcess(parts: WorkerParts): WorkerProcess {
  const { mesh, hooks, log, raise, worker } = parts;
  const combine = combineWith(createEagerKernels());
  let hasEnded = false;
  return {
    ...parts,
    combine: hooks.combine?.(combine) ?? combine,
    memory: createProcessMemory(),
    peers: createPeers(mesh, worker),
    threadInvitations: createInvitations(mesh, threadLane),
    leftRuns: createLeftRuns(),
    fail(error) {
      if (hasEnded) return;
      log.error({ error: toWireError(error) }, 'failed');
      raise({ type: 'failed', error: toWireError(error) });
    },
    end() {
      hasEnded = true;
    },
  };
}
