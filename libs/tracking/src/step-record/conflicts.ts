/** Compares two computations of one step, which must be the same wherever both recorded the same thing. */
import type { ShardRange } from '@lockstep/collectives';
import { blockDigests, replicatedDigests, sharedValues } from './digests.ts';
import type { MemberStep } from './entries.ts';
import type { RecordConflict, RecordedBlock, RecordForm } from './types.ts';

/** What one member recorded of a step, with the digests that its entry may share with another one. */
export interface ComputedMember extends Omit<MemberStep, 'replicated'> {
  /** Undefined if the entry that holds them is damaged. */
  readonly replicated: Uint8Array | undefined;
}

type Forms = ReadonlyMap<number, RecordForm>;

export function conflictsBetween(
  forms: Forms,
  before: readonly ComputedMember[],
  after: readonly ComputedMember[],
): RecordConflict[] {
  const [{ step, generation: earlier, form: formBefore }, { generation: later, form: formAfter }] = [
    before[0]!,
    after[0]!,
  ];
  const found =
    formBefore === formAfter
      ? [...replicatedDifferences(forms, before, after), ...blockDifferences(forms, before, after)]
      : ['the names of what is recorded'];
  return found.map((what) => ({ step, generations: [earlier, later], what }));
}

function replicatedDifferences(
  forms: Forms,
  before: readonly ComputedMember[],
  after: readonly ComputedMember[],
): string[] {
  const [a, b] = [before, after].map((members) => members.find(({ replicated }) => replicated !== undefined));
  if (a?.replicated === undefined || b?.replicated === undefined) return [];
  const form = forms.get(a.form)!;
  const [was, is] = [flat(form, a.replicated), flat(form, b.replicated)];
  return sharedValues(form)
    .filter((_, i) => was[i] !== is[i])
    .map(({ part, variable }) => `${part} ${variable}`);
}

function flat(form: RecordForm, bytes: Uint8Array): bigint[] {
  const { results, replica } = replicatedDigests(form, bytes);
  return [...results.flat(), ...replica];
}

function blockDifferences(
  forms: Forms,
  before: readonly ComputedMember[],
  after: readonly ComputedMember[],
): string[] {
  const [was, is] = [before, after].map((members) =>
    members.flatMap(({ form, blocks, own }) => blockDigests(forms.get(form)!, blocks, own)),
  );
  const { exchanges } = forms.get(before[0]!.form)!;
  return was!.flatMap((block) => {
    const same = is!.find(
      ({ shards }) => shards.start === block.shards.start && shards.count === block.shards.count,
    );
    return same === undefined ? [] : differencesIn(exchanges.flat(), block, same);
  });
}

function differencesIn(names: readonly string[], was: RecordedBlock, is: RecordedBlock): string[] {
  const of = `of ${shardsText(was.shards)}`;
  const partials = is.partials.flat();
  return [
    ...(was.samples === is.samples ? [] : [`samples ${of}`]),
    ...(was.columns === is.columns ? [] : [`columns ${of}`]),
    ...was.partials.flat().flatMap((one, i) => (one === partials[i] ? [] : [`partial ${names[i]} ${of}`])),
  ];
}

const shardsText = ({ start, count }: ShardRange): string =>
  count === 1 ? `shard ${start}` : `shards ${start} to ${start + count - 1}`;
