/**
 * The first place at which a recorded step parts from the same step computed again with the recorded division of the shards. A step
 * is a chain of causes: batch, partial results of the first exchange, its result, and so on to the updated replica. So the first
 * digest that differs in this order is where the fault entered.
 */
import type { ShardRange } from '@lockstep/collectives';
import type { RecordedBlock, RecordedMember, RecordedStep, RecordForm } from '@lockstep/tracking';

/** The digests of a step that one process computed for all blocks. */
export interface ComputedDigests extends Pick<RecordedMember, 'blocks' | 'results' | 'replica'> {
  /** Of parameters and model state. A record may have this digest alone. */
  readonly model?: bigint;
}

/** Where in a step a fault entered. */
export type Part =
  /** The indices, weights or keys of a block's samples. */
  | 'samples'
  /** The bytes of a block's samples. */
  | 'columns'
  /** What a block gives to an exchange. */
  | 'partial'
  /** What an exchange gives to all workers. */
  | 'result'
  /** An array of the replica after the update. */
  | 'replica';

export interface Difference {
  readonly step: number;
  readonly part: Part;
  /** Of a partial or a result. */
  readonly exchange?: number;
  /** The name of the exchanged value, or of the replica's array. */
  readonly variable?: string;
  /** The shards of the block, the smallest node of the tree that was recorded. Null for what is not of a block. */
  readonly shards: ShardRange | null;
  /** The workers that recorded another digest. All members had it if all differ from what is computed here. */
  readonly workers: readonly string[];
  /** Whether other members recorded what is computed here, so that no change of program, profile or build explains the difference. */
  readonly isAlone: boolean;
  /** Whether the difference of a partial does not show in the reduced result: the sum rounds it away. */
  readonly isRoundedAway?: boolean;
}

/** The first difference; undefined if the step is the same. */
export function findDifference(recorded: RecordedStep, computed: ComputedDigests): Difference | undefined {
  const beside = besides(recorded, computed);
  return differenceOfBatches(beside) ?? differenceOfExchanges(beside) ?? differenceOfReplicas(beside);
}

/** A recorded step beside the same step computed here. */
interface Beside {
  readonly step: number;
  readonly form: RecordForm;
  readonly members: readonly RecordedMember[];
  readonly pairs: readonly Pair[];
  readonly computed: ComputedDigests;
}

/** A recorded block beside the same block computed here. */
interface Pair {
  readonly worker: string;
  readonly recorded: RecordedBlock;
  readonly computed: RecordedBlock;
}

function besides({ step, form, members: recorded }: RecordedStep, computed: ComputedDigests): Beside {
  // Members are decoded at each access.
  const members = recorded;
  const byShards = new Map(computed.blocks.map((block) => [keyOf(block.shards), block]));
  const pairs = members.flatMap(({ worker, blocks }) =>
    blocks.flatMap((block): Pair[] => {
      const same = byShards.get(keyOf(block.shards));
      return same === undefined ? [] : [{ worker, recorded: block, computed: same }];
    }),
  );
  return { step, form, members, pairs, computed };
}

/** Whether a run records its model alone, as one array. */
export const isOfModel = ({ exchanges }: RecordForm): boolean => exchanges.length === 0;

const keyOf = ({ start, count }: ShardRange): string => `${start}+${count}`;

function differenceOfBatches({ step, pairs }: Beside): Difference | undefined {
  for (const part of ['samples', 'columns'] as const) {
    const pair = pairs.find((one) => one.recorded[part] !== one.computed[part]);
    if (pair === undefined) continue;
    const isAlone = isOfOne(pairs, pair, (block) => block[part]);
    return { step, part, shards: pair.recorded.shards, workers: [pair.worker], isAlone };
  }
  return undefined;
}

function differenceOfExchanges(beside: Beside): Difference | undefined {
  const { step, form, members, pairs, computed } = beside;
  for (const [exchange, variables] of form.exchanges.entries()) {
    const inResult = membersThatDiffer(
      beside,
      ({ results }) => results[exchange],
      computed.results[exchange],
    );
    for (const [i, variable] of variables.entries()) {
      const at = (block: RecordedBlock): bigint | undefined => block.partials[exchange]?.[i];
      const pair = pairs.find((one) => at(one.recorded) !== at(one.computed));
      if (pair === undefined) continue;
      const { shards } = pair.recorded;
      return {
        ...{ step, part: 'partial', exchange, variable, shards, workers: [pair.worker] },
        isAlone: isOfOne(pairs, pair, at),
        ...(inResult(i).length === 0 && { isRoundedAway: true }),
      };
    }
    for (const [i, variable] of variables.entries()) {
      const workers = inResult(i);
      if (workers.length === 0) continue;
      const isAlone = workers.length < members.length;
      return { step, part: 'result', exchange, variable, shards: null, workers, isAlone };
    }
  }
  return undefined;
}

function differenceOfReplicas(beside: Beside): Difference | undefined {
  const { step, form, members, computed } = beside;
  const expected = isOfModel(form) ? [computed.model] : computed.replica;
  const inReplica = membersThatDiffer(beside, ({ replica }) => replica, expected);
  for (const [i, variable] of form.replica.entries()) {
    const workers = inReplica(i);
    if (workers.length === 0) continue;
    return {
      step,
      part: 'replica',
      variable,
      shards: null,
      workers,
      isAlone: workers.length < members.length,
    };
  }
  return undefined;
}

/** Whether blocks of other workers have the recorded digest. */
function isOfOne(
  pairs: readonly Pair[],
  { worker }: Pair,
  at: (block: RecordedBlock) => bigint | undefined,
): boolean {
  const others = pairs.filter((one) => one.worker !== worker);
  return others.length > 0 && others.every((one) => at(one.recorded) === at(one.computed));
}

/** For a place in a list of digests: the members that recorded another digest. A damaged list is left out. */
const membersThatDiffer =
  (
    { members }: Beside,
    digestsOf: (member: RecordedMember) => readonly bigint[] | undefined,
    computed: readonly (bigint | undefined)[] | undefined,
  ) =>
  (i: number): string[] =>
    members
      .filter((member) => {
        const [digest, expected] = [digestsOf(member)?.[i], computed?.[i]];
        return digest !== undefined && expected !== undefined && digest !== expected;
      })
      .map(({ worker }) => worker);

/** The blocks of all members, in the order of their shards: the division with which a step is computed again. */
export function divisionOf({ members }: RecordedStep): readonly ShardRange[] {
  return members
    .flatMap(({ blocks }) => blocks.map(({ shards }) => shards))
    .sort((a, b) => a.start - b.start);
}
