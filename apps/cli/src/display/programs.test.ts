import type { ProgramsDescription } from '@lockstep/training';
import { expect, it } from 'vitest';
import { programsText } from './programs.ts';

type Equation = ProgramsDescription['shard']['segments'][number]['equations'][number];

const float = (name: string, ...shape: number[]) => ({ name, dtype: 'float32' as const, shape });

const product = {
  op: 'matmul',
  inputs: ['batch/x', 'params/w'],
  outputs: [float('v4', 128, 512)],
  steps: [],
  flops: 102_760_448,
  bytes: 2_269_184,
};
const chain = {
  op: 'fused',
  inputs: ['v4', 'params/b'],
  outputs: [float('v5', 128, 512), float('v6', 128, 512)],
  steps: ['v5 = add v4 params/b', 'v6 = relu v5'],
  flops: 131_072,
  bytes: 788_480,
};
const copy = { op: 'copy', inputs: ['v5'], outputs: [float('v7')], steps: [], flops: 0, bytes: 8 };

const plan = (equations: readonly Equation[], size?: number) => ({
  inputs: [float('params/w', 784, 512), float('batch/x', 128, 784)],
  segments: [
    {
      equations,
      flops: 102_891_520,
      bytes: 3_057_664,
      exchange: size === undefined ? [] : [{ combine: 'sum' as const, size }],
    },
  ],
  flops: 102_891_520,
  bytes: 3_057_664,
  arenaBytes: 65_536,
  numTraced: 1_200,
  numRun: equations.length,
  numFusedSteps: 2,
});

it('prints a line for each equation, in columns', () => {
  const description: ProgramsDescription = {
    shards: 8,
    rowsPerShard: 16,
    shard: plan([product, chain], 512),
    update: plan([copy]),
  };
  const lines = programsText(description).split('\n');
  expect(lines.slice(0, 18)).toEqual([
    'Shard program, for a block of 8 shards of 16 rows',
    '  1,200 equations traced, 2 to run, 2 elementwise steps fused',
    '  103 MFLOP, 2.9 MiB read and written, 64 KiB of memory',
    '',
    '  inputs',
    '    params/w  float32[784, 512]',
    '    batch/x   float32[128, 784]',
    '',
    '  segment 1 of 1: 2 equations, 103 MFLOP, 2.9 MiB',
    '      103 MFLOP    2.2 MiB  v4 float32[128, 512]  matmul batch/x params/w',
    '      131 kFLOP    770 KiB  v5 float32[128, 512]  fused',
    '                            v6 float32[128, 512]',
    '                              v5 = add v4 params/b',
    '                              v6 = relu v5',
    '    ⇄ exchange of 512 values (2 KiB): sums',
    '',
    'Update program',
    '  1,200 equations traced, 1 to run, 2 elementwise steps fused',
  ]);
  expect(lines.slice(-2)).toEqual(['                       8 B  v7 float32[]  copy v5', '']);
});

it('prints the bodies of loops and branches, indented', () => {
  const body = { ...plan([copy]), inputs: [float('v0', 3), float('v1')] };
  const outer = {
    ...{ op: 'branch', inputs: ['v2', 'v3'], outputs: [float('v4', 3)], steps: [], flops: 12, bytes: 24 },
    bodies: [body, { ...plan([{ ...copy, op: 'scan', bodies: [{ ...body, inputs: [] }] }]), inputs: [] }],
  };
  const lines = programsText({ shards: 8, rowsPerShard: 16, shard: plan([outer]), update: plan([]) }).split(
    '\n',
  );
  expect(lines.slice(9, 20)).toMatchInlineSnapshot(`
    [
      "        12 FLOP       24 B  v4 float32[3]  branch v2 v3",
      "        body 1 of 2: 1 equation, 103 MFLOP, 2.9 MiB",
      "          of v0 float32[3], v1 float32[]",
      "                           8 B  v7 float32[]  copy v5",
      "        body 2 of 2: 1 equation, 103 MFLOP, 2.9 MiB",
      "          of nothing",
      "                           8 B  v7 float32[]  scan v5",
      "            body: 1 equation, 103 MFLOP, 2.9 MiB",
      "              of nothing",
      "                               8 B  v7 float32[]  copy v5",
      "",
    ]
  `);
});
