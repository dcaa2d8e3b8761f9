/** Reads a step record. Damage costs what is damaged: it is named, and everything else is read. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ComputedMember, conflictsBetween } from './conflicts.ts';
import { blockBytes, blockDigests, replicatedBytes, replicatedDigests } from './digests.ts';
import { decodeEntry, type MemberStep } from './entries.ts';
import { framesOf, type Payload } from './frames.ts';
import type {
  DamagedEntry,
  RecordConflict,
  RecordedMember,
  RecordedStep,
  RecordForm,
  StepRecordFile,
} from './types.ts';
import { stepRecordName } from './writer.ts';

/** The step record of a run folder; undefined if it has none. Another process may still write to it. */
export async function readStepRecord(folder: string): Promise<StepRecordFile | undefined> {
  const path = join(folder, stepRecordName);
  try {
    return parseStepRecord(await readFile(path), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A step as one generation computed it, by rank. */
type Computation = Map<number, ComputedMember>;

/** Computations by step, then by generation. */
type Computations = Map<number, Map<number, Computation>>;

export function parseStepRecord(bytes: Buffer, path: string): StepRecordFile {
  const { payloads, damaged: lost } = framesOf(bytes, path);
  const damaged: DamagedEntry[] = [...lost];
  const forms = formsOf(payloads);
  const conflicts: RecordConflict[] = [];
  const computed: Computations = new Map();
  let form = [...forms.values()].at(-1);
  for (const { offset, bytes: payload } of payloads) {
    const entry = decodeEntry(payload);
    if (entry === undefined) {
      damaged.push({ path, offset, what: 'an entry of a kind that this release does not know' });
    } else if (entry.kind === 'lengthChanged') {
      for (const step of computed.keys()) if (step > entry.step) computed.delete(step);
    } else if (entry.kind === 'member') {
      const { member } = entry;
      const { step, worker } = member;
      const fault = faultOf(member, forms.get(member.form));
      if (fault !== undefined) damaged.push({ path, offset, what: `step ${step} of ${worker}: ${fault}` });
      else conflicts.push(...note(computed, member, forms));
      form = forms.get(member.form) ?? form;
    }
  }
  const steps: RecordedStep[] = [];
  for (const [, generations] of [...computed].sort(byNumber)) {
    const inOrder = [...generations].sort(byNumber).map(([, computation]) => byRank(computation));
    for (const [i, later] of inOrder.slice(1).entries())
      conflicts.push(...conflictsBetween(forms, inOrder[i]!, later));
    steps.push(recordedStep(inOrder.at(-1)!, forms));
  }
  return {
    ...{ form, steps },
    conflicts: conflicts.sort((a, b) => a.step - b.step),
    damaged: damaged.sort((a, b) => a.offset - b.offset),
  };
}

/** Notes a member's step. Returns how it differs from what the member has reported before. */
function note(computed: Computations, member: MemberStep, forms: ReadonlyMap<number, RecordForm>) {
  const { step, generation, rank } = member;
  const generations = ensure(computed, step, () => new Map<number, Computation>());
  const computation: Computation = ensure(generations, generation, () => new Map());
  const read = withReplicated(member, computation);
  const before = computation.get(rank);
  computation.set(rank, read);
  return before === undefined ? [] : conflictsBetween(forms, [before], [read]);
}

const byRank = (computation: Computation): readonly ComputedMember[] =>
  [...computation].sort(byNumber).map(([, member]) => member);

const byNumber = ([a]: readonly [number, unknown], [b]: readonly [number, unknown]): number => a - b;

function ensure<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}

/** All forms come first: each is written several times, and one of them may be damaged. */
function formsOf(payloads: readonly Payload[]): Map<number, RecordForm> {
  const forms = new Map<number, RecordForm>();
  for (const { bytes } of payloads) {
    const entry = decodeEntry(bytes);
    if (entry?.kind === 'form') forms.set(entry.id, entry.form);
  }
  return forms;
}

/** What keeps an entry from being read, if anything does. */
function faultOf({ replicated, blocks, own }: MemberStep, form: RecordForm | undefined): string | undefined {
  if (form === undefined) return 'the entry with the names of its digests is damaged';
  const isWhole = 'ofRank' in replicated || replicated.length === replicatedBytes(form);
  return isWhole && own.length === blocks.length * blockBytes(form)
    ? undefined
    : 'it has another number of digests than their names say';
}

function withReplicated(member: MemberStep, computation: Computation): ComputedMember {
  const { replicated } = member;
  return {
    ...member,
    replicated: 'ofRank' in replicated ? computation.get(replicated.ofRank)?.replicated : replicated,
  };
}

function recordedStep(
  members: readonly ComputedMember[],
  forms: ReadonlyMap<number, RecordForm>,
): RecordedStep {
  const { step, generation, form } = members[0]!;
  return {
    step,
    generation,
    form: forms.get(form)!,
    // A long run has more digests than fit into memory as numbers.
    get members() {
      return members.map((member) => recordedMember(member, forms.get(member.form)!));
    },
  };
}

function recordedMember(member: ComputedMember, form: RecordForm): RecordedMember {
  const { worker, rank, shards, blocks, replicated, own } = member;
  return {
    ...{ worker, rank, shards, blocks: blockDigests(form, blocks, own) },
    ...(replicated === undefined ? { results: [], replica: [] } : replicatedDigests(form, replicated)),
  };
}
