/** Checkpoints between the wire and the run folder. On the wire a checkpoint is the bytes of one safetensors file. */
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  decodeSafetensors,
  encodeSafetensors,
  type Keep,
  loadCheckpoint,
  type SavedCheckpoint,
  saveCheckpoint,
} from '@lockstep/checkpoint';
import { disk, fileError, unsyncedDisk } from '@lockstep/files';
import { type HeldCheckpoint, joinFrames, type OpaqueRecord } from '@lockstep/protocol';
import type { Durability } from '@lockstep/tracking';

export interface StoredCheckpoint {
  readonly header: OpaqueRecord;
  readonly bytes: Uint8Array;
}

/** A checkpoint as its message brought it. */
export interface ArrivedCheckpoint {
  readonly header: OpaqueRecord;
  readonly frames: readonly Uint8Array[];
}

export interface CheckpointStore {
  /** Keeps a checkpoint that nobody may go on from yet. */
  hold(of: HeldCheckpoint, checkpoint: ArrivedCheckpoint): undefined;
  /** Gives a checkpoint that was held, once; undefined if it was not. */
  take(of: HeldCheckpoint): ArrivedCheckpoint | undefined;
  /** Forgets all that is held: it is never stored. */
  drop(): void;
  /**
   * Resolves when the checkpoint is durable (in a trial: written), with what was written. Checkpoints are saved one after the other. Throws a `file`
   * error where the checkpoint cannot be written, and another error where the bytes are not a checkpoint.
   */
  save(step: number, header: OpaqueRecord, frames: readonly Uint8Array[]): Promise<SavedCheckpoint>;
  /** Throws a `checkpoint` error if the checkpoint is missing or damaged. */
  read(step: number): Promise<StoredCheckpoint>;
  /** Frees the checkpoint that was read last. */
  release(): void;
}

/** The checkpoints of a run, and what its manifest says of them. */
export interface RunCheckpoints {
  readonly folder: string;
  readonly keep: Keep;
  /** The step of the checkpoint with which a branch begins, which is never removed. */
  readonly first: number | undefined;
  readonly durability: Durability;
  /** Throws a `checkpoint` error if the run must not go on from this step, because steps after it were computed otherwise. */
  requireStanding(step: number): void;
}

export function createCheckpointStore({ folder, keep, first, durability }: RunCheckpoints): CheckpointStore {
  const on = durability === 'full' ? disk : unsyncedDisk;
  let saving: Promise<unknown> = Promise.resolve();
  const held = new Map<string, ArrivedCheckpoint>();
  const keyOf = ({ worker, step }: HeldCheckpoint): string => `${step} ${worker}`;
  /** Kept because all members of a generation restore the same checkpoint. */
  let lastRead: { readonly step: number; readonly stored: StoredCheckpoint } | undefined;
  return {
    hold(of, checkpoint) {
      held.set(keyOf(of), checkpoint);
    },
    take(of) {
      const checkpoint = held.get(keyOf(of));
      held.delete(keyOf(of));
      return checkpoint;
    },
    drop: () => held.clear(),
    save: (step, header, frames) => {
      const write = async () => {
        const file = decodeSafetensors(joinFrames(frames));
        // A run folder that was removed is not made again: a run cannot be resumed from a checkpoint alone.
        await access(dirname(folder)).catch((cause: unknown) => {
          throw fileError(folder, cause);
        });
        return saveCheckpoint(folder, { step, header, ...file }, { keep, first, on });
      };
      const saved = saving.then(write);
      // The caller gets the error; the next checkpoint is written all the same.
      saving = saved.catch(() => undefined);
      return saved;
    },
    read: async (step) => {
      if (lastRead?.step === step) return lastRead.stored;
      const { header, tensors } = (await loadCheckpoint(folder, step))!;
      const stored = { header, bytes: encodeSafetensors(tensors) };
      lastRead = { step, stored };
      return stored;
    },
    release: () => {
      lastRead = undefined;
    },
  };
}
