/** Notices: something went wrong, people and programs are told, and the run goes on. */
import type { SkippedCheckpoint } from '@lockstep/checkpoint';
import type { WireError } from '@lockstep/errors';
import type { DamagedEntry, DamagedLine, LogGap } from '@lockstep/tracking';

export interface Notice {
  readonly type:
    | 'checkpointSkipped'
    | 'checkpointFailed'
    | 'lineDamaged'
    | 'recordDamaged'
    | 'logFailed'
    | 'logIncomplete'
    | 'traceFailed'
    | 'eventsFailed'
    | 'sealFailed'
    | 'codeRestored'
    | 'addressTaken'
    | 'expecting'
    | 'workerRestarting'
    | 'workerGivenUp'
    | 'nonFinite'
    | 'nonFiniteEvaluation';
  /** A sentence for people. */
  readonly message: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** `instead` says what is used in place of the checkpoint. */
export function checkpointSkipped({ step, path, reason }: SkippedCheckpoint, instead: string): Notice {
  return {
    type: 'checkpointSkipped',
    message: `the checkpoint of step ${step} is skipped: ${reason}; ${instead}`,
    facts: { step, path, reason, instead },
  };
}

/** The state from which the run goes on unless a worker holds a newer one. */
export function insteadOf(newest: number): string {
  const state =
    newest < 0 ? 'the initial state, which follows from the seed,' : `the checkpoint of step ${newest}`;
  return `${state} is used instead, unless a worker holds a newer one`;
}

export function checkpointFailed(step: number, { message, facts }: WireError): Notice {
  return {
    type: 'checkpointFailed',
    message: `no checkpoint of step ${step}: ${message}; the run goes on and tries again with the next`,
    facts: { ...facts, step },
  };
}

export function lineDamaged({ path, line, text }: DamagedLine): Notice {
  return {
    type: 'lineDamaged',
    message: `${path}: line ${line} was cut short by a crash or a full disk and is left out: ${JSON.stringify(text)}`,
    facts: { path, line, text },
  };
}

/** @param isUsed whether the run goes on with the file */
export function recordDamaged({ path, offset, what }: DamagedEntry, isUsed: boolean): Notice {
  const consequence = isUsed ? 'it is left out' : 'the file stays as it is, and no steps are recorded';
  return {
    type: 'recordDamaged',
    message: `${path}, from byte ${offset} on: ${what}; ${consequence}`,
    facts: { path, offset },
  };
}

export function logFailed({ path, error }: LogGap): Notice {
  return {
    type: 'logFailed',
    message: `${messageOf(error)}; the run goes on, and reports at its end what is missing`,
    facts: { path },
  };
}

export function logIncomplete({ path, numLost, steps }: LogGap): Notice {
  const range = steps === undefined ? '' : `, of steps ${steps[0]} to ${steps[1]}`;
  return {
    type: 'logIncomplete',
    message: `${path} lacks ${numLost} ${numLost === 1 ? 'record' : 'records'}${range}, which could not be written`,
    facts: { path, numLost, ...(steps !== undefined && { firstStep: steps[0], lastStep: steps[1] }) },
  };
}

export function traceFailed(path: string, error: unknown): Notice {
  return {
    type: 'traceFailed',
    message: `${messageOf(error)}; the run goes on, and its trace ends here`,
    facts: { path },
  };
}

export function eventsFailed(path: string, error: unknown): Notice {
  return {
    type: 'eventsFailed',
    message: `${messageOf(error)}; the run goes on, and TensorBoard lacks some of its steps`,
    facts: { path },
  };
}

export function sealFailed(folder: string, error: unknown): Notice {
  return {
    type: 'sealFailed',
    message: `${folder} has no seal of its end: ${messageOf(error)}; the run is complete, and alterations of its files will not be found`,
    facts: { folder },
  };
}

/** A step of a run that goes on after steps that are not finite. */
export function nonFiniteStep(step: number, what: readonly string[]): Notice {
  return {
    type: 'nonFinite',
    message: `step ${step} is not finite: ${what.join(', ')}; the run goes on, and later steps are only counted`,
    facts: { step, what },
  };
}

export function nonFiniteEvaluation(step: number, what: readonly string[]): Notice {
  return {
    type: 'nonFiniteEvaluation',
    message: `the evaluation after step ${step} is not finite: ${what.join(', ')}`,
    facts: { step, what },
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
