/** The run folder: manifest, metrics, events and the record of steps. */
export type { LogGap } from './append-file.ts';
export type { Length, LengthChange } from './changes.ts';
export { changesOf, lengthChanged, standingMetrics } from './changes.ts';
export {
  type HistogramFile,
  histogramsFrom,
  histogramsName,
  type NamedHistograms,
  noteLengthInHistograms,
  type OpenedHistograms,
  openHistograms,
  readHistograms,
  type StepHistograms,
  takesHistograms,
} from './histograms.ts';
export { canonicalJson, hashJson, sha256 } from './json.ts';
export type { DamagedLine, Lines, LogRecord } from './lines.ts';
export { formatLine, readLines, recordOf, repairLines } from './lines.ts';
export type { LogFile } from './log-file.ts';
export { LogTail, type TailChange } from './log-tail.ts';
export type { Parent } from './parent.ts';
export { parentOf } from './parent.ts';
export {
  createRun,
  type Durability,
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
export type { Sealed, SealedFile } from './seal.ts';
export { checkSeal, type SealFinding, type SealReport } from './seal-check.ts';
export {
  blockBytes,
  blockDigests,
  replicatedBytes,
  replicatedDigests,
  type SharedValue,
  sharedValues,
} from './step-record/digests.ts';
export { parseForm } from './step-record/entries.ts';
export { type RecordMode, recordModeOf, recordModes } from './step-record/mode.ts';
export { readStepRecord } from './step-record/reader.ts';
export type {
  DamagedEntry,
  RecordConflict,
  RecordedBlock,
  RecordedMember,
  RecordedStep,
  RecordForm,
  ReplicatedDigests,
  StepRecordFile,
} from './step-record/types.ts';
export {
  noteLengthChange,
  type OpenedStepRecord,
  openStepRecord,
  type ReportedStep,
  type StepRecordWriter,
  stepRecordName,
} from './step-record/writer.ts';
