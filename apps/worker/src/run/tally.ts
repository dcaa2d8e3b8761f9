/** What a worker has done of a run, for the run's result. */
export interface Tally {
  /** Counts a step that was updated. */
  countStep(numSamples: number, stepMs: number): void;
  /** Over the steps counted so far; 0 before the first. */
  readonly samplesPerSecond: number;
  /** Metrics of the evaluation at the run's end; empty before it. */
  finalMetrics: Readonly<Record<string, number>>;
}

export function createTally(): Tally {
  let numSamples = 0;
  let trainingMs = 0;
  return {
    countStep(samples, stepMs) {
      numSamples += samples;
      trainingMs += stepMs;
    },
    get samplesPerSecond() {
      return trainingMs === 0 ? 0 : (1000 * numSamples) / trainingMs;
    },
    finalMetrics: {},
  };
}
