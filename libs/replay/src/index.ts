/** Steps of recorded runs, computed again in one process. */
export type { Beginning } from './beginning.ts';
export { beginningOf } from './beginning.ts';
export type { BranchSettings, PlannedBranch } from './branch.ts';
export { planBranch } from './branch.ts';
export type { Compared, Comparison, ComparisonOptions, Parting, StepDigests } from './comparison.ts';
export { compareWith } from './comparison.ts';
export type { ComputationOptions, ComputedStep, ReplayedState } from './computation.ts';
export { Computation } from './computation.ts';
export type { Change, OpenOptions, RecordedRun } from './recorded-run.ts';
export { openRecordedRun } from './recorded-run.ts';
export type { Logged, LoggedMetrics, LoggedStep, LoggedStop, RunLogs } from './run-logs.ts';
export { readRunLogs } from './run-logs.ts';
export type { Stage } from './stages.ts';
export { stageAt, stagesOf } from './stages.ts';
export { computeRecordedState, computeState, savedBefore } from './state.ts';
