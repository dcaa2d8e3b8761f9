/** What a page shows of runs, as plain data. Runs in Node and in browsers: nothing here reads a file. */
export { type Condition, type Filtered, meets, parseFilter } from './conditions.ts';
export {
  type Curve,
  emptyCurve,
  extend,
  lowerBound,
  type Means,
  type Points,
  thin,
  type Window,
  widthFor,
  withMeans,
} from './curve.ts';
export {
  bytesText,
  countText,
  differences,
  durationText,
  metricText,
  millisecondsText,
  numberText,
  percentText,
  rateText,
  settingText,
  shortHash,
  spreadText,
} from './format.ts';
export { type Heat, heatOf } from './heat.ts';
export {
  binOf,
  fewer,
  type HistogramKind,
  type HistogramRow,
  type HistogramStep,
  histogramKinds,
  lowerEdgeOf,
  namesIn,
} from './histograms.ts';
export type {
  CurveKind,
  Delta,
  NamedCurve,
  PageData,
  RunDelta,
  RunFacts,
  RunProgress,
  RunView,
  Summary,
  WindowData,
  WorkerView,
} from './model.ts';
export { fromJson, pack, toJson, unpack } from './pack.ts';
export { GrowingProgram, type PartKind, type ProgramPart, type TraceEvent } from './program.ts';
export { Series } from './series.ts';
export { type Band, bandOf, smoothed } from './smooth.ts';
export { type RunStatus, statuses } from './status.ts';
export {
  type Brush,
  formatBrush,
  isWithin,
  type OptionsBrush,
  parseBrush,
  type RangeBrush,
  withBrush,
} from './sweep/brush.ts';
export {
  type ChoiceMade,
  type ImportanceView,
  type ObjectiveView,
  type ParamAxis,
  paramOf,
  type RungPoint,
  type SweepDelta,
  type SweepFacts,
  type SweepProgress,
  type SweepStatus,
  type SweepView,
  type TrialRun,
  type TrialStatus,
  type TrialView,
  trialStatuses,
  withTrials,
} from './sweep/model.ts';
export { meansAt, type RungView, rungsOf } from './sweep/rungs.ts';
export {
  measuredScale,
  numberScale,
  optionScale,
  type Range,
  type Scale,
  scaleOfAxis,
  type Tick,
  tickText,
} from './sweep/scale.ts';
export { type BestSoFar, bestSoFar, countsOf, isBetter, standings, trialValues } from './sweep/trials.ts';
export {
  type GenerationMark,
  type LogEntry,
  type Mark,
  type MarkKind,
  type Membership,
  type Span,
  type Timeline,
  timelineOf,
  type WorkerLine,
} from './timeline.ts';
export { byText, compareValues, keyNamed, type Value, type Values } from './values.ts';
export { GrowingWork, maxWorkColumns, type StepWork, type Work, type WorkField, workFields } from './work.ts';
