/** A sweep as its file defines it, the runs of its trials, and what its folder says of them. No processes, and nothing is written. */
export {
  type CostLimits,
  costMetrics,
  defineSweep,
  isSweep,
  type Sweep,
  type SweepOptions,
  type SweepProfile,
} from './definition.ts';
export { describeSweep, requireSameSweep, type SweepDescription } from './description.ts';
export { type JournalEntry, parseEntry, type RunKey, type RunResult } from './journal.ts';
export { createLedger, type Ledger, type SetAside, type SweepRun, type SweepRung } from './ledger.ts';
export { numTrialsOf, readSweepManifest, type SweepManifest, sweepFiles } from './manifest.ts';
export { type ReadSweepOptions, readSweep } from './read.ts';
export type { RepeatRecord, SweepRecord, TrialRecord, TrialState } from './record.ts';
export { type MedianRule, type MedianStoppingOptions, median, type StoppingRule } from './stopping.ts';
