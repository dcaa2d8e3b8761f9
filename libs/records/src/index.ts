/** Run folders as plain records, which are filtered, sorted, compared and exported. */
export { type Condition, keyNamed, parseFilter, type Values } from '@lockstep/view';
export {
  type AlignedCurve,
  type ComparedFingerprints,
  type ComparedMetric,
  type Comparison,
  compareRuns,
} from './compare.ts';
export { encodeCsv, encodeParquet, encodeTable, type TableFormat, tableFormats } from './export.ts';
export { filterRuns } from './filter.ts';
export { identityOf } from './identity.ts';
export { valuesOf } from './keys.ts';
export type { Logs } from './logs.ts';
export { outlineOf } from './outline.ts';
export { type PruneOptions, type Pruning, planPruning, prune } from './prune.ts';
export { type ReadOptions, type RunList, readRun, readRunAround, readRuns } from './read.ts';
export {
  type Curve,
  chainOf,
  curvesOf,
  type FingerprintAt,
  isRising,
  type Machine,
  type MetricKind,
  type MetricSummary,
  metricsOf,
  type RunRecord,
  type RunStatus,
  statuses,
  type Value,
} from './record.ts';
export { type SortOptions, sortRuns } from './sort.ts';
export { type Column, metricsTable, runsTable, type Table } from './table.ts';
