/** Models of a step on other machines, and what a batch of another size brings. Pure functions of numbers. */
export {
  type BatchRow,
  type BatchRun,
  batchRows,
  fitSteps,
  perfectFrom,
  type Region,
  type StepFit,
  savingUntil,
} from './batch-axis.ts';
export { type BranchValue, criticalBatch } from './critical-batch.ts';
export { type NetworkLink, parseLatency, parseRate, rateText } from './link.ts';
export { logSpaced } from './math.ts';
export { median } from './median.ts';
export { type NoisePoint, type NoiseSeries, noisePoints } from './noise-points.ts';
export { logLogPlot, type PlottedSeries } from './plot.ts';
export { type Advice, leastGain, recommend, type WorkerChoice } from './recommendation.ts';
export { breakEvenRate, type ModelledStep, modelStep, payloadShare, type StepCosts } from './step-model.ts';
export { type PlottedWorkers, scaleSvg } from './svg.ts';
export { parseTarget, stepsToTarget, type Target } from './target.ts';
export { type BucketTraffic, type ExchangedBucket, isCut, trafficOf } from './traffic.ts';
