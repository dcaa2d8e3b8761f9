/** TensorBoard's event files: records with checksums, each an event of scalars, histograms or hyperparameters. */
export {
  fileVersion,
  type Histogram,
  type HyperparameterValue,
  histograms,
  type Moment,
  type Session,
  scalars,
  sessionEnd,
  sessionStart,
} from './event.ts';
export { soundBytes } from './record.ts';
