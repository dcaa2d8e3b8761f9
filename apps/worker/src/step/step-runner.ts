/** How the segments of a training step are computed and exchanged. There are two ways, and who runs a step does not know which. */
import type { ReplicaCopy } from '@lockstep/run';
import type { ExchangeTimes } from '../exchange/measures.ts';

/** Of a step, from its first segment to its last exchange. */
export interface StepTimes extends ExchangeTimes {
  /** By `clockMs`. */
  readonly startMs: number;
  /** Of the slowest thread. */
  readonly computeMs: number;
}

/** Runs the segments and exchanges of steps up to the update. They end in order, and no `onDone` is called after an error. */
export interface StepRunner {
  /** Computes a segment on all blocks. `onDone` may be called before this returns. */
  runSegment(step: number, segment: number, onDone: () => void): void;
  /** Reduces what the segment of the same number leaves. `onDone` may be called before this returns, and not after an abort. */
  exchange(step: number, exchange: number, onDone: () => void): void;
  /** After the last exchange of a step, once. */
  takeTimes(): StepTimes;
}

/** What each order for a training step says. */
export interface TrainingJob {
  readonly step: number;
  readonly copy: ReplicaCopy;
  /** See `Job`. */
  readonly nextStep?: number;
}

/**
 * The one place that decides which way a step takes: at its first segment, for all of the step.
 *
 * @param isDirect whether all members exchange this step directly
 */
export function chooseByStep(
  ways: { readonly direct: StepRunner; readonly mainThread: StepRunner },
  isDirect: (step: number) => boolean,
): StepRunner {
  let way = ways.mainThread;
  return {
    runSegment(step, segment, onDone) {
      if (segment === 0) way = isDirect(step) ? ways.direct : ways.mainThread;
      way.runSegment(step, segment, onDone);
    },
    exchange: (step, exchange, onDone) => way.exchange(step, exchange, onDone),
    takeTimes: () => way.takeTimes(),
  };
}
