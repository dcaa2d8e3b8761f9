/** What a simulation is given: the size of its runs and the faults they meet. */

/** How many faults of each kind a run meets, at random moments in its first `withinMs`. */
export interface Faults {
  readonly withinMs: number;
  readonly numCrashes: number;
  readonly numJoins: number;
  /** A worker stops for 0.5 to 4 s and then continues, unaware that the others may have given it up. */
  readonly numPauses: number;
  /** All processes stop together for up to two minutes, or the coordinator alone stops for less than one. */
  readonly numFreezes: number;
  /** Workers that join and fail while they load the experiment. */
  readonly numBadNewcomers: number;
  /** Data links that fail for up to 1.5 s while the workers at both ends live. */
  readonly numBrokenLinks: number;
  /** New weights, which move shards from slow workers to fast ones. */
  readonly numReweighs: number;
  readonly numCoordinatorRestarts: number;
  readonly interrupt: boolean;
  /** Periods of up to 3 s in which no checkpoint can be written. */
  readonly numFullDisks: number;
  /** Errors that end the run, which is then resumed. */
  readonly numErrors: number;
}

/** A loss or state that is not finite, on whichever worker computes it. */
export interface PlantedNonFinite {
  /** `step`: the loss or gradients of the step are not finite. `update`: the state that its update makes is not. */
  readonly cause: 'step' | 'update';
  readonly step: number;
  /** For `update`: the first later step whose loss is not finite. A check of the state finds it at once. */
  readonly shownAt: number;
}

/** The size of a run. */
export interface RunOptions {
  /** Of the run's states. */
  readonly seed: number;
  readonly numShards: number;
  readonly numSteps: number;
  readonly numSegments: number;
  readonly evaluateEvery: number;
  readonly checkpointEvery: number;
  readonly fingerprintEvery: number;
  readonly finalEvaluation: boolean;
  /** The first evaluation at or after this step stops the run early. */
  readonly stopFrom: number;
  readonly nonFinite?: PlantedNonFinite;
}

export interface SimulationOptions extends RunOptions {
  readonly numWorkers: number;
  /** Encodes and decodes every control message. */
  readonly encodeMessages: boolean;
  readonly faults: Faults;
}
