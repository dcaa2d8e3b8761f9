/** Branches: runs that go on from a state of another run, with other settings. */
import type { Manifest } from './run.ts';

/** The run from which a run has branched. Steps up to `step`, their metrics and checkpoints belong to it. */
export interface Parent {
  /** The name of its folder. */
  readonly run: string;
  /** Where the folder was when the branch began. */
  readonly folder?: string;
  readonly step: number;
  /** The hash of the whole state after the step; absent where the checkpoint of an older release did not have it. */
  readonly stateHash?: string;
  /** The chain of hashes up to the step; empty before the first one. */
  readonly chain: string;
}

/** Undefined for a run that began from its seed. */
export function parentOf({ parent }: Manifest): Parent | undefined {
  const { run, step } = (parent ?? {}) as Partial<Record<keyof Parent, unknown>>;
  return typeof run === 'string' && typeof step === 'number' ? (parent as Parent) : undefined;
}
