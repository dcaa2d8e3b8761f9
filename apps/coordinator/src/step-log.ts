/** Writes what members record of each step, and remembers the latest steps to tell in what members differ. */
import type { StepRecord, WorkerMessage } from '@lockstep/protocol';
import {
  blockBytes,
  type LogGap,
  parseForm,
  type RecordForm,
  replicatedBytes,
  type SharedValue,
  type StepRecordWriter,
  sharedValues,
} from '@lockstep/tracking';

type Committed = Extract<WorkerMessage, { type: 'committed' }>;

export interface StepLog {
  /** Writes the record of a report, if it has one. Returns what is wrong with a record that cannot be read. */
  write(worker: string, message: Committed): string | undefined;
  /** What a report says that all members share; undefined for a report without a record, or one that cannot be read. */
  shared(message: Committed): SharedDigests | undefined;
  /** The first value in which workers differ from another one in a step; undefined if it is not known. */
  differing(step: number, workers: readonly string[]): SharedValue | undefined;
  /** Steps that could not be written. */
  gap(): LogGap | undefined;
  close(): void;
}

/** Digests of a step that all members share. */
export interface SharedDigests {
  /** Their names. */
  readonly form: RecordForm;
  readonly replicated: Uint8Array;
}

/** What a worker shares with all others in a step. */
interface Shared extends SharedDigests {
  readonly step: number;
  readonly worker: string;
}

/** Members of a generation are compared within two steps. */
const keptSteps = 4;

/** @param writer undefined if the file is not one of this release: the steps are compared all the same */
export function createStepLog(writer: StepRecordWriter | undefined, onLost: () => void): StepLog {
  const forms = new Map<number, RecordForm>();
  let latest: Shared[] = [];
  const formOf = ({ form: id, names }: StepRecord): RecordForm | undefined => {
    const form = forms.get(id) ?? writer?.form(id) ?? (names === undefined ? undefined : parseForm(names));
    if (form === undefined) return undefined;
    forms.set(id, form);
    writer?.addForm(id, form);
    return form;
  };
  return {
    write(worker, { step, generation, record }) {
      if (record === undefined) return undefined;
      const form = formOf(record);
      if (form === undefined) return `the record of step ${step} has digests without names`;
      const { digests, blocks, rank, shards } = record;
      const numShared = replicatedBytes(form);
      if (digests.length !== numShared + blocks.length * blockBytes(form))
        return `the record of step ${step} has another number of digests than names`;
      const replicated = digests.subarray(0, numShared);
      latest = latest.filter((one) => one.step > step - keptSteps).concat({ step, worker, form, replicated });
      const own = digests.subarray(numShared);
      const member = { worker, rank, shards, blocks, form: record.form };
      const isWritten = writer?.append({ ...{ step, generation, replicated, own }, ...member }) ?? true;
      if (!isWritten) onLost();
      return undefined;
    },
    shared({ record }) {
      const form = record && forms.get(record.form);
      if (record === undefined || form === undefined) return undefined;
      const numShared = replicatedBytes(form);
      if (record.digests.length < numShared) return undefined;
      return { form, replicated: record.digests.subarray(0, numShared) };
    },
    differing(step, workers) {
      const of = latest.filter((one) => one.step === step);
      const [one] = of.filter(({ worker }) => workers.includes(worker));
      const [other] = of.filter(({ worker }) => !workers.includes(worker));
      return one && firstDifference(one, other ?? of.find(({ worker }) => worker !== one.worker));
    },
    gap: () => writer?.gap(),
    close: () => writer?.close(),
  };
}

const digestBytes = 8;

function firstDifference({ form, replicated }: Shared, other: Shared | undefined): SharedValue | undefined {
  const at = replicated.findIndex((byte, i) => byte !== other?.replicated[i]);
  return other === undefined || at === -1 ? undefined : sharedValues(form)[Math.floor(at / digestBytes)];
}
