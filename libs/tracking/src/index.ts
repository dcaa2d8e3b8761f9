/** The run folder: manifest, metrics and events. */
export type { Length, LengthChange } from './changes.ts';
export { changesOf, lengthChanged, standingMetrics } from './changes.ts';
export { canonicalJson, hashJson, sha256 } from './json.ts';
export type { DamagedLine, Lines, LogRecord } from './lines.ts';
export { formatLine, readLines, recordOf } from './lines.ts';
export type { LogGap } from './log-file.ts';
export { LogTail, type TailChange } from './log-tail.ts';
export {
  createRun,
  type LogName,
  logNames,
  logPath,
  type Manifest,
  manifestSchemaVersion,
  openRun,
  type Run,
  type RunOptions,
  readLog,
  readManifest,
} from './run.ts';
