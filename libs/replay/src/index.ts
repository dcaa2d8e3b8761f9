/** Steps of recorded runs, computed again in one process. */
export type { Beginning } from './beginning.ts';
export { beginningOf } from './beginning.ts';
export type { BranchSettings, PlannedBranch } from './branch.ts';
export { planBranch } from './branch.ts';
export { requireSameData, warningsOf } from './changes.ts';
export type { CheckOptions, CheckpointDifference, ElementDifference, Evidence, Finding } from './check.ts';
export { Check, compareCheckpoint, readEvidence } from './check.ts';
export type { Compared, Comparison, ComparisonOptions, Parting } from './comparison.ts';
export { compareWith } from './comparison.ts';
export type { ComputationOptions, ComputedStep, ReplayedState } from './computation.ts';
export { Computation } from './computation.ts';
export { estimateSeconds } from './cost.ts';
export type { Cause, RunDifference } from './diff.ts';
export { diffWithComputation } from './diff.ts';
export { diffRuns } from './diff-runs.ts';
export type { ComputedDigests, Difference, Part } from './difference.ts';
export { divisionOf, findDifference } from './difference.ts';
export type { Inspection, InspectOptions, InspectWatch, NamedTensors } from './inspect.ts';
export { inspectRun, inspectStep, tensorsOfInspection } from './inspect.ts';
export type { Draw, Interval } from './intervals.ts';
export { drawIntervals, intervalsBetween } from './intervals.ts';
export type { CheckedPart, DiffedPart, DiffInPartsOptions } from './parts.ts';
export { checkPart, diffInParts, diffPart } from './parts.ts';
export type { Change, OpenOptions, RecordedRun } from './recorded-run.ts';
export { openRecordedRun } from './recorded-run.ts';
export type { Logged, LoggedMetrics, LoggedStep, LoggedStop, RunLogs } from './run-logs.ts';
export { readRunLogs } from './run-logs.ts';
export type { SampleContent, SampleView } from './sample-view.ts';
export { viewSample } from './sample-view.ts';
export type { Spike } from './spike.ts';
export { spikeScore, spikesOf, spikeWindow } from './spike.ts';
export type { Stage } from './stages.ts';
export { stageAt, stagesOf } from './stages.ts';
export type { SkippedState, StateWatch } from './state.ts';
export {
  computeRecordedState,
  computeState,
  computeUntil,
  requireState,
  restoreBefore,
  savedBefore,
} from './state.ts';
export type { ArrayStatistics } from './statistics.ts';
export { histogramBins, statisticsOf } from './statistics.ts';
export type { StepDigests } from './step-digests.ts';
export { recordedDigests, reportedDigests } from './step-digests.ts';
export type { Sampling } from './step-samples.ts';
export { epochAt, samplesAt, samplingOf } from './step-samples.ts';
export type { CheckedInterval, Verification, VerifyOptions } from './verify.ts';
export { damagedRecord, planVerification, verifyRun } from './verify.ts';
