/** Trained runs as functions: rows in, predictions out. */
export {
  cacheBundle,
  importBundle,
  importChanged,
  importKept,
  placedIn,
  requireExported,
  shortPath,
} from './bundle.ts';
export type { LoadedRun, LoadRunOptions, Prediction } from './load-run.ts';
export { dataFormOf, loadRun, readCheckpoint } from './load-run.ts';
export { findProject, type Project } from './project.ts';
export type { Rows } from './rows.ts';
export { isPrepared, prepareInput } from './rows.ts';
export {
  bundleName,
  type KnownManifest,
  type KnownRun,
  readBundle,
  readKnown,
  readRunFolder,
} from './run-files.ts';
export { applyExperiment, evaluationVariables, type Variables } from './variables.ts';
