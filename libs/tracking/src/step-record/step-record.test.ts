import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseStepRecord, readStepRecord } from './reader.ts';
import type { RecordedMember, RecordedStep, RecordForm, StepRecordFile } from './types.ts';
import { noteLengthChange, openStepRecord, type ReportedStep, stepRecordName } from './writer.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-record-'));
  path = join(folder, stepRecordName);
});
afterEach(() => rm(folder, { recursive: true }));

const form: RecordForm = {
  exchanges: [['moments 0'], ['params/kernel', 'sums']],
  replica: ['params/kernel', 'optimizer/momentum'],
};
const id = 7;

const bytesOf = (digests: readonly bigint[]): Uint8Array =>
  new Uint8Array(BigUint64Array.from(digests).buffer);

/** Digests that no two places share: those of shared values differ by step only. */
const digest = (step: number, place: number): bigint => 0xffff_0000_0000_0000n + BigInt(1000 * step + place);

/** The digests of the shared values of a step, and those of a block. */
const shared = (step: number): bigint[] => [1, 2, 3, 4, 5].map((place) => digest(step, place));
const ofBlock = (step: number, start: number): bigint[] =>
  [1, 2, 3, 4, 5].map((place) => digest(step, 100 * (1 + start) + place));

interface Options {
  readonly generation?: number;
  readonly replicated?: readonly bigint[];
  readonly own?: readonly bigint[];
}

/** Two workers: `a` with two blocks, `b` with one. */
const reported = (step: number, rank: 0 | 1, options: Options = {}): ReportedStep => {
  const { generation = 1, replicated = shared(step) } = options;
  const blocks = rank === 0 ? [block(0, 2), block(2, 1)] : [block(3, 1)];
  const own = options.own ?? blocks.flatMap(({ start }) => ofBlock(step, start));
  return {
    ...{ step, generation, worker: rank === 0 ? 'a' : 'b', rank, form: id, blocks },
    shards: rank === 0 ? block(0, 3) : block(3, 1),
    ...{ replicated: bytesOf(replicated), own: bytesOf(own) },
  };
};

const block = (start: number, count: number) => ({ start, count });

const expectedMember = (step: number, rank: 0 | 1): RecordedMember => {
  const of = (start: number, count: number) => {
    const [samples, columns, moments, kernel, sums] = ofBlock(step, start) as [
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    return { shards: { start, count }, samples, columns, partials: [[moments], [kernel, sums]] };
  };
  const [moments, kernel, sums, param, momentum] = shared(step) as [bigint, bigint, bigint, bigint, bigint];
  return {
    ...{ worker: rank === 0 ? 'a' : 'b', rank, results: [[moments], [kernel, sums]] },
    ...{ replica: [param, momentum] },
    ...(rank === 0
      ? { shards: block(0, 3), blocks: [of(0, 2), of(2, 1)] }
      : { shards: block(3, 1), blocks: [of(3, 1)] }),
  };
};

const expectedStep = (step: number, generation = 1): RecordedStep => ({
  ...{ step, generation, form },
  members: [expectedMember(step, 0), expectedMember(step, 1)],
});

async function write(steps: readonly ReportedStep[]): Promise<void> {
  const { writer } = await openStepRecord(folder);
  writer!.addForm(id, form);
  for (const step of steps) expect(writer!.append(step)).toBe(true);
  writer!.close();
}

const both = (step: number, options?: Options): ReportedStep[] => [
  reported(step, 0, options),
  reported(step, 1, options),
];

const read = async (): Promise<StepRecordFile> => (await readStepRecord(folder))!;

const offsetOf = async (text: string): Promise<number> => (await readFile(path)).indexOf(text);

describe('a step record', () => {
  it('is read as it was written, with what members share written once', async () => {
    await write([...both(1), ...both(2)]);
    expect(await read()).toEqual({
      ...{ form, conflicts: [], damaged: [] },
      steps: [expectedStep(1), expectedStep(2)],
    });
    const bytes = await readFile(path);
    const first = bytesOf([digest(1, 1)]);
    expect(bytes.indexOf(first)).toBe(bytes.lastIndexOf(first));
  });

  it('has what a member shares in full where it differs', async () => {
    const other = shared(1).with(4, 7n);
    await write([reported(1, 0), reported(1, 1, { replicated: other })]);
    const { steps, conflicts } = await read();
    const [a, b] = steps[0]!.members;
    expect(a!.replica).toEqual([digest(1, 4), digest(1, 5)]);
    expect(b!.replica).toEqual([digest(1, 4), 7n]);
    expect(b!.results).toEqual(a!.results);
    expect(conflicts).toEqual([]);
  });

  it('goes on where it ended, in any number of sessions', async () => {
    await write(both(1));
    await write(both(2, { generation: 2 }));
    const { steps, damaged } = await read();
    expect(steps).toEqual([expectedStep(1), expectedStep(2, 2)]);
    expect(damaged).toEqual([]);
  });

  it('counts the later computation of a step, and lists what differs from the earlier one', async () => {
    const other = { generation: 2, replicated: shared(2).with(1, 7n) };
    await write([
      ...both(1),
      ...both(2),
      reported(1, 0, { generation: 2 }),
      reported(1, 1, { generation: 2, own: ofBlock(1, 3).with(1, 8n).with(4, 9n) }),
      ...both(2, other),
    ]);
    const { steps, conflicts } = await read();
    expect(steps.map(({ step, generation }) => [step, generation])).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(steps[1]!.members[0]!.results[1]![0]).toBe(7n);
    expect(conflicts).toEqual([
      { step: 1, generations: [1, 2], what: 'columns of shard 3' },
      { step: 1, generations: [1, 2], what: 'partial sums of shard 3' },
      { step: 2, generations: [1, 2], what: 'result params/kernel' },
    ]);
  });

  it('counts the computation of the higher generation, whichever report comes last', async () => {
    await write([...both(1, { generation: 2 }), reported(1, 0, { generation: 1 })]);
    expect((await read()).steps).toEqual([expectedStep(1, 2)]);
  });

  it('takes a report that is sent twice once, and lists how the second differs', async () => {
    await write([...both(1), reported(1, 1)]);
    expect((await read()).conflicts).toEqual([]);
    expect((await read()).steps).toEqual([expectedStep(1)]);
    await write([reported(1, 1, { replicated: shared(1).with(3, 7n) })]);
    expect((await read()).conflicts).toEqual([
      { step: 1, generations: [1, 1], what: 'replica params/kernel' },
    ]);
  });

  it('leaves out steps that a change of the length took back', async () => {
    await write([...both(1), ...both(2), ...both(3)]);
    await noteLengthChange(folder, 1);
    await write(both(2, { generation: 2, replicated: shared(9) }));
    const { steps, conflicts } = await read();
    expect(steps.map(({ step, generation }) => [step, generation])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(conflicts).toEqual([]);
  });

  it('is not made by a change of the length', async () => {
    await noteLengthChange(folder, 1);
    expect(await readStepRecord(folder)).toBeUndefined();
  });

  it('keeps steps of another form with their own names', async () => {
    await write(both(1));
    const state: RecordForm = { exchanges: [], replica: ['state'] };
    const other = 8;
    const { writer } = await openStepRecord(folder);
    expect(writer!.form(id)).toEqual(form);
    writer!.addForm(other, state);
    const empty = new Uint8Array(0);
    writer!.append({ ...reported(2, 0), form: other, blocks: [], own: empty, replicated: bytesOf([5n]) });
    writer!.close();
    const { steps, form: newest } = await read();
    expect(newest).toEqual(state);
    expect(steps.map((step) => step.form)).toEqual([form, state]);
    expect(steps[1]!.members[0]).toMatchObject({ blocks: [], results: [], replica: [5n] });
  });

  it('does not exist in a run that recorded nothing, and is empty in one without a step', async () => {
    expect(await readStepRecord(folder)).toBeUndefined();
    await write([]);
    expect(await read()).toEqual({ form: undefined, steps: [], conflicts: [], damaged: [] });
  });
});

describe('a damaged step record', () => {
  const whole = [1, 2, 3].map((step) => expectedStep(step));
  beforeEach(() => write([1, 2, 3].flatMap((step) => both(step))));

  it('with any byte changed is named, and loses one entry at most', async () => {
    const bytes = await readFile(path);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 0x40;
      const { steps, damaged } = parseStepRecord(changed, path);
      expect(damaged, `byte ${at}`).not.toEqual([]);
      for (const { path: named, offset } of damaged) {
        expect(named).toBe(path);
        expect(offset).toBeLessThanOrEqual(bytes.length);
      }
      const isForm = at < (await firstMember(bytes)) && at >= 16;
      const members = steps.flatMap((step) => step.members.map((member) => [step.step, member] as const));
      expect(members.length, `byte ${at}`).toBeGreaterThanOrEqual(isForm ? 0 : 5);
      for (const [step, member] of members) {
        const expected = whole[step - 1]!.members[member.rank]!;
        const { results, replica } = member.results.length === 0 ? member : expected;
        expect(member).toEqual({ ...expected, results, replica });
      }
    }
  });

  /** Where the entry of the first member begins: behind the names. */
  async function firstMember(bytes: Buffer): Promise<number> {
    return 16 + 8 + bytes.readUInt32LE(16);
  }

  it('cut short anywhere keeps all whole entries, and goes on behind them', async () => {
    const bytes = await readFile(path);
    for (let length = 0; length < bytes.length; length += 7) {
      await writeFile(path, bytes.subarray(0, length));
      const before = await read();
      const { writer, damaged } = await openStepRecord(folder);
      expect(damaged).toEqual(before.damaged);
      writer!.addForm(id, form);
      for (const step of both(4)) writer!.append(step);
      writer!.close();
      const after = await read();
      expect(after.damaged, `${length} bytes`).toEqual([]);
      expect(after.steps).toEqual([...before.steps, expectedStep(4)]);
    }
    await writeFile(path, bytes.subarray(0, bytes.length - 1));
    const { damaged, steps } = await read();
    expect(damaged).toEqual([
      {
        path,
        offset: expect.any(Number),
        what: expect.stringMatching(/^the last entry was cut short: \d+ bytes$/),
      },
    ]);
    expect(steps[2]!.members.map(({ worker }) => worker)).toEqual(['a']);
  });

  it('with bytes put in or taken out in the middle is read on both sides', async () => {
    const bytes = await readFile(path);
    const at = (await firstMember(bytes)) + 20;
    const parts = { more: [bytes.subarray(0, at), Buffer.alloc(5_000), bytes.subarray(at)] };
    for (const pieces of [parts.more, [bytes.subarray(0, at), bytes.subarray(at + 11)]]) {
      await writeFile(path, Buffer.concat(pieces));
      const { steps, damaged } = await read();
      expect(damaged).toEqual([
        { path, offset: at - 20, what: expect.stringMatching(/^\d+ bytes are damaged$/) },
      ]);
      // Its entry also held what the members share in step 1.
      expect(steps[0]!.members).toEqual([{ ...expectedMember(1, 1), results: [], replica: [] }]);
      expect(steps.slice(1)).toEqual(whole.slice(1));
    }
  });

  it('names the steps whose names are lost', async () => {
    const bytes = await readFile(path);
    bytes[await offsetOf('moments 0')]! ^= 1;
    await writeFile(path, bytes);
    const { steps, damaged } = await read();
    expect(steps).toEqual([]);
    expect(damaged.map(({ what }) => what)).toEqual([
      expect.stringMatching(/^\d+ bytes are damaged$/),
      ...[1, 2, 3].flatMap((step) =>
        ['a', 'b'].map(
          (worker) => `step ${step} of ${worker}: the entry with the names of its digests is damaged`,
        ),
      ),
    ]);
  });

  it('has its names again in a long run', async () => {
    await write(Array.from({ length: 1_100 }, (_, i) => reported(4 + i, 0)));
    const bytes = await readFile(path);
    // Once for each session, and once more in the second one.
    const places = [...bytes.toString('latin1').matchAll(/moments 0/g)].map(({ index }) => index);
    expect(places).toHaveLength(3);
    for (const place of places.slice(0, 2)) bytes[place]! ^= 1;
    await writeFile(path, bytes);
    const { steps, damaged } = await read();
    expect(damaged).toHaveLength(2);
    expect(steps).toHaveLength(1_103);
  });
});

describe('a file that is no step record of this release', () => {
  it('is named and left as it is', async () => {
    const png = Buffer.from('\x89PNG\r\n\x1a\n and so on for a while', 'latin1');
    await writeFile(path, png);
    const foreign = [{ path, offset: 0, what: 'this is not a step record' }];
    expect(await read()).toEqual({ form: undefined, steps: [], conflicts: [], damaged: foreign });
    expect(await openStepRecord(folder)).toEqual({ writer: undefined, damaged: foreign });
    expect(await readFile(path)).toEqual(png);
  });

  it('of a later release is named and left as it is', async () => {
    await write(both(1));
    const bytes = await readFile(path);
    bytes.writeUInt32LE(2, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12);
    await writeFile(path, bytes);
    const newer = 'a later release wrote version 2 of this file; this release reads version 1';
    expect((await read()).damaged).toEqual([{ path, offset: 8, what: newer }]);
    expect((await openStepRecord(folder)).writer).toBeUndefined();
    expect(await readFile(path)).toEqual(bytes);
  });

  it('with entries that this release does not know is read as far as it knows them', async () => {
    await write(both(1));
    const bytes = await readFile(path);
    const payload = Buffer.from([99, 1, 2, 3]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32LE(payload.length, 0);
    frame.writeUInt32LE(crc32(Buffer.concat([frame.subarray(0, 4), payload])), 4);
    await writeFile(path, Buffer.concat([bytes, frame, payload]));
    const { steps, damaged } = await read();
    expect(steps).toEqual([expectedStep(1)]);
    const what = 'an entry of a kind that this release does not know';
    expect(damaged).toEqual([{ path, offset: bytes.length, what }]);
  });
});
