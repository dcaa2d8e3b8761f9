import type { Plan } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import type { ProgramForm, Programs } from './programs.ts';
import { type DigestPlace, layoutRecord, type RecordMode, recordContents } from './record.ts';
import { exchangedVariables } from './record-names.ts';

const float = (name: string, ...shape: number[]) => ({ name, dtype: 'float32' as const, shape });

const form: ProgramForm = {
  params: [float('0/kernel', 2)],
  state: [float('1/mean', 3), float('net/2/mean', 3)],
  optState: [float('momentum', 2)],
  columns: [float('x', 3)],
  rowsPerShard: 4,
  stepMetrics: ['loss', 'gradientNorm'],
  evaluationMetrics: ['loss'],
  evaluated: { params: [0], state: [1, 2], averageWeight: [] },
  hasPenalty: false,
  skipsNonFinite: false,
};

/** The exchanged values of a step with two batch norms, by variable: what they are and how many elements they have. */
const values = {
  2: { op: 'moments', exchange: 0, size: 7 },
  3: { op: 'moments', exchange: 1, size: 7 },
  4: { op: 'sum', exchange: 2, size: 2 },
  5: { op: 'sum', exchange: 2, size: 2 },
  6: { op: 'sum', exchange: 2, size: 7 },
  7: { op: 'sum', exchange: 3, size: 7 },
} as const;

/**
 * Variables 0 and 1 are the state, 8 and 9 the next one. Output 4 is `sums`, 5 the sum of the kernel's gradients, unless others are
 * given.
 */
function planOf(equations: readonly unknown[], outputs = [5, 8, 9, 4]): Plan {
  const entries = Object.entries(values).map(([variable, value]) => ({
    variable: Number(variable),
    ...value,
  }));
  const exchanges = [0, 1, 2, 3].map((exchange) => {
    const members = entries.filter((value) => value.exchange === exchange);
    const size = members.reduce((sum, member) => sum + member.size, 0);
    return [{ op: members[0]!.op, size, exchanged: members.map(({ variable }) => variable) }];
  });
  const places = entries.map(({ variable, exchange }) => {
    const before = entries.filter((value) => value.exchange === exchange && value.variable < variable);
    const offset = before.reduce((sum, { size }) => sum + size, 0);
    return [variable, { kind: 'result', exchange, bucket: 0, offset }] as const;
  });
  const avals = Array.from({ length: 10 }, (_, variable) => ({
    dtype: 'float32',
    shape: [variable in values ? values[variable as keyof typeof values].size : 3],
  }));
  const plan = { exchanges, places: new Map(places), program: { avals, outputs, equations } };
  return plan as unknown as Plan;
}

/** Both next states by one equation, each from its own state and moments. */
const fused = {
  ...{ primitive: 'fused', inputs: [0, 2, 1, 3], outputs: [8, 9] },
  attrs: {
    instructions: [
      { op: 'add', args: [0, 1] },
      { op: 'add', args: [2, 3] },
    ],
    outputs: [4, 5],
  },
};

const namesOf = (plan: Plan): string[][] =>
  exchangedVariables(plan, form).map((list) => list.map(({ name }) => name));

describe('the names of exchanged values', () => {
  it('are those of results, and of the state that moments update', () => {
    expect(exchangedVariables(planOf([fused]), form)).toEqual([
      [{ name: 'moments 1', bucket: 0, offset: 0, size: 7 }],
      [{ name: 'moments net/2', bucket: 0, offset: 0, size: 7 }],
      [
        { name: 'sums', bucket: 0, offset: 0, size: 2 },
        { name: 'params/0/kernel', bucket: 0, offset: 2, size: 2 },
        { name: 'cotangent of moments net/2', bucket: 0, offset: 4, size: 7 },
      ],
      [{ name: 'cotangent of moments 1', bucket: 0, offset: 0, size: 7 }],
    ]);
  });

  it('count where nothing says what a value is', () => {
    const both = { primitive: 'add', inputs: [2, 3], outputs: [8], attrs: {} };
    // Moments that no state or two states follow from, and one sum too many for the batch norms.
    expect(namesOf(planOf([both], [0, 8, 1, 4]))).toEqual([
      ['moments 0'],
      ['moments 1'],
      ['sums', 'sum 0', 'sum 1'],
      ['sum 2'],
    ]);
  });

  it('are the first of several', () => {
    expect(namesOf(planOf([fused], [4, 8, 9, 4]))[2]![0]).toBe('params/0/kernel');
  });
});

const programs = { ...form, shardFlops: 1, shard: () => planOf([fused]) } as unknown as Programs;
const batchSize = 32;

/** The layout of a worker's digests, with the bytes that they take. */
function laidOut(mode: RecordMode, numBlocks: number) {
  let bytes = 0;
  const take = (size: number): number => {
    bytes += size;
    return bytes - size;
  };
  const record = layoutRecord(programs, recordContents(programs, mode, batchSize)!, numBlocks, 2, take);
  return { record, bytes };
}

const range = ({ byteOffset, shape }: DigestPlace): [number, number] => [
  byteOffset,
  byteOffset + 8 * shape[0],
];

describe('the layout of a record', () => {
  it('has results and replica, then a batch and partials for each block, in one piece', () => {
    const { record } = laidOut('full', 2);
    // Six exchanged values, and four arrays of the replica.
    expect(record.form.exchanges.flat()).toHaveLength(6);
    expect(record.form.replica).toEqual([
      'params/0/kernel',
      'state/1/mean',
      'state/net/2/mean',
      'optimizer/momentum',
    ]);
    expect(range(record.digests)).toEqual([0, 8 * (10 + 2 * 8)]);
    expect(range(record.replicated)).toEqual([0, 80]);
    expect(record.blocks.map(range)).toEqual([
      [80, 144],
      [144, 208],
    ]);
    expect(record.parts).toHaveLength(2);
  });

  it('has one digest in `chain`, and is absent in `off`', () => {
    expect(recordContents(programs, 'off', batchSize)).toBeUndefined();
    const { record } = laidOut('chain', 2);
    expect(record.form).toEqual({ exchanges: [], replica: ['model'] });
    expect(range(record.digests)).toEqual([0, 8]);
    expect(record.blocks).toEqual([]);
  });

  it('has everything in `auto` where a step computes 256 operations for each byte of its digests', () => {
    // Rows of three floats, sums of 2 + 2 + 7 and 7, moments of 7 and 7 elements, and an array of each of the four variables.
    const bytes = 4 * (batchSize * 3 + 32 + 2 + 3 + 3 + 2);
    const numShards = batchSize / programs.rowsPerShard;
    const of = (shardFlops: number) => recordContents({ ...programs, shardFlops }, 'auto', batchSize);
    expect(of((256 * bytes) / numShards)).toEqual(recordContents(programs, 'full', batchSize));
    expect(of((256 * bytes) / numShards - 1)).toEqual(recordContents(programs, 'chain', batchSize));
  });

  it('leaves blocks out where a report would be too large', () => {
    expect(laidOut('full', 4_000).record.blocks).toHaveLength(4_000);
    const { record } = laidOut('full', 5_000);
    expect(record.blocks).toEqual([]);
    expect(range(record.digests)).toEqual([0, 80]);
  });

  it('records the state as one where its names would not fit a message', () => {
    const optState = Array.from({ length: 9_000 }, (_, i) => float(`${i}`, 1));
    expect(recordContents({ ...programs, optState }, 'full', batchSize)).toEqual(
      recordContents(programs, 'chain', batchSize),
    );
    const long = [float('x'.repeat(300_000), 1)];
    expect(recordContents({ ...programs, optState: long }, 'full', batchSize)).toEqual(
      recordContents(programs, 'chain', batchSize),
    );
  });
});
