/** Appends to the step record of a run that goes on. */
import { existsSync } from 'node:fs';
import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { type LogGap, openAppendFile } from '../append-file.ts';
import { decodeEntry, encodeForm, encodeLengthChanged, encodeMember, type MemberStep } from './entries.ts';
import { frame, framesOf, header } from './frames.ts';
import type { DamagedEntry, RecordForm } from './types.ts';

export const stepRecordName = 'record.bin';

/** What a member has reported of a step. */
export interface ReportedStep extends MemberStep {
  readonly replicated: Uint8Array;
}

export interface StepRecordWriter {
  /** A form that the file has or that was added; undefined if there is none with this number. */
  form(id: number): RecordForm | undefined;
  /** Adds a form. It is written before the first step that names it. */
  addForm(id: number, form: RecordForm): void;
  /** Returns false if the step is lost because the disk is full or fails. The run goes on; `gap` tells what is missing. */
  append(step: ReportedStep): boolean;
  /** Notes that steps after this one will be computed again, with another length of the run. */
  lengthChanged(step: number): boolean;
  /** Steps that are missing. */
  gap(): LogGap | undefined;
  close(): void;
}

export interface OpenedStepRecord {
  /** Undefined if the file is not one of this release, which is left as it is. */
  readonly writer: StepRecordWriter | undefined;
  /** What is damaged. What a crash or a full disk had cut short at the end has been removed. */
  readonly damaged: readonly DamagedEntry[];
}

/** A form is written again after this many entries, so that damage to one entry cannot cost all steps. */
const formEvery = 1024;

/** Members of a generation differ by one step at most. */
const keptSteps = 4;

/** Opens the step record of a run folder, and makes it if it does not exist. Throws a `file` error when it cannot be opened. */
export async function openStepRecord(folder: string): Promise<OpenedStepRecord> {
  const path = join(folder, stepRecordName);
  const bytes = await readOrEmpty(path);
  const { isOurs, payloads, damaged, end } = framesOf(bytes, path);
  if (!isOurs) return { writer: undefined, damaged };
  if (end < bytes.length) await truncate(path, end);
  const forms = new Map<number, RecordForm>();
  for (const payload of payloads) {
    const entry = decodeEntry(payload.bytes);
    if (entry?.kind === 'form') forms.set(entry.id, entry.form);
  }
  return { writer: createWriter(path, forms), damaged };
}

/** Notes a change of the run's length, after a step, in the step record of a run folder that has one. */
export async function noteLengthChange(folder: string, step: number): Promise<void> {
  if (!existsSync(join(folder, stepRecordName))) return;
  const { writer } = await openStepRecord(folder);
  writer?.lengthChanged(step);
  writer?.close();
}

async function readOrEmpty(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

function createWriter(path: string, forms: Map<number, RecordForm>): StepRecordWriter {
  const file = openAppendFile(path);
  /** The form that the latest entries of the file name, and how many more may do so before it is written again. */
  let current = { id: Number.NaN, numLeft: 0 };
  /** The first member that was written of the latest steps. */
  let written: readonly ReportedStep[] = [];

  const write = (payloads: readonly Uint8Array[], step: number): boolean => {
    const start = file.size === 0 ? [header()] : [];
    return file.append(Buffer.concat([...start, ...payloads.map(frame)]), step);
  };
  return {
    form: (id) => forms.get(id),
    addForm: (id, form) => void forms.set(id, form),
    append(step) {
      const first = written.find((one) => one.step === step.step && one.generation === step.generation);
      const isSame = first !== undefined && Buffer.compare(first.replicated, step.replicated) === 0;
      const member = encodeMember(isSame ? { ...step, replicated: { ofRank: first.rank } } : step);
      const isNamed = step.form === current.id && current.numLeft > 0;
      const form = isNamed ? [] : [encodeForm(step.form, forms.get(step.form)!)];
      const isWritten = write([...form, member], step.step);
      // Behind a lost entry nothing is taken for granted.
      if (!isWritten) current = { id: Number.NaN, numLeft: 0 };
      else if (isNamed) current.numLeft--;
      else current = { id: step.form, numLeft: formEvery };
      if (isWritten && first === undefined) written = [...written, step].slice(-keptSteps);
      return isWritten;
    },
    lengthChanged: (step) => write([encodeLengthChanged(step)], step),
    gap: file.gap,
    close: file.close,
  };
}
