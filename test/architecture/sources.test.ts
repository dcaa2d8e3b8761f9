import { describe, expect, it } from 'vitest';
import { sound, withSource } from './rules.fixture.ts';
import { sourceRules } from './sources.ts';

const { fileLength, ownMath, importTargets, nothingGenerated, suppressions } = sourceRules;
const file = 'libs/tree/src/planted.ts';

describe('source rules', () => {
  for (const [name, rule] of Object.entries(sourceRules)) {
    it(`${name}: accepts a sound workspace`, () => expect(rule(sound)).toEqual([]));
  }

  it('fileLength: below 500 lines', () => {
    expect(fileLength(withSource(file, '\n'.repeat(499)))).toEqual([]);
    expect(fileLength(withSource(file, '\n'.repeat(500)))).toEqual([
      `${file}: 500 lines; split it below 500`,
    ]);
  });

  it.each([
    ['const y = 1;\nconst x = Math.exp(1);', `${file}:2: Math.exp does not give the same bits everywhere`],
    ['[1].map(Math.tanh);', `${file}:1: Math.tanh does not give the same bits everywhere`],
    ['const x = Math.random();', `${file}:1: Math.random does not give the same bits everywhere`],
    ['const x = Math?.pow(2, 3);', `${file}:1: Math.pow does not give the same bits everywhere`],
    ["const x = Math['exp'](1);", `${file}:1: Math as a value does not give the same bits everywhere`],
    ['const { abs, sin } = Math;', `${file}:1: Math.sin does not give the same bits everywhere`],
    [
      'const x = globalThis.Math.exp(1);',
      `${file}:1: Math as a value does not give the same bits everywhere`,
    ],
    ['const x = y ** 2;', `${file}:1: the operator ** does not give the same bits everywhere`],
    ['const { abs, ...rest } = Math;', `${file}:1: Math as a value does not give the same bits everywhere`],
    ['f(2 ** y);', `${file}:1: the operator ** does not give the same bits everywhere`],
    ['const x = 10 ** -3;', `${file}:1: the operator ** does not give the same bits everywhere`],
    ['x **= 2;', `${file}:1: the operator **= does not give the same bits everywhere`],
  ])('ownMath: finds %s', (text, fault) => {
    expect(ownMath(withSource(file, text))).toEqual([fault]);
  });

  it('ownMath: leaves exact functions, literal powers of two, comments and strings alone', () => {
    const text =
      "// Math.exp(1) ** 2\nconst { abs } = Math, x = Math.sqrt(Math.max(2 ** 32, 2 ** -24)) + 'Math.exp'.length;";
    expect(ownMath(withSource(file, text))).toEqual([]);
  });

  it('ownMath: exempts float64 reference kernels, tests, benches and tools', () => {
    const text = 'const x = Math.exp(1);';
    for (const path of ['libs/kernels/src/reference/float64.ts', 'libs/tree/src/a.test.ts', 'tools/a.mjs']) {
      expect(ownMath(withSource(path, text))).toEqual([]);
    }
    expect(ownMath(withSource('libs/kernels/src/reference/unary.ts', text))).toHaveLength(1);
    expect(ownMath(withSource('experiments/a.ts', text))).toHaveLength(1);
  });

  it.each([
    ["import { a } from '../../errors/src/index.ts';", "another package's internals"],
    ["import { a } from '@lockstep/errors/src/facts.ts';", "another package's internals"],
    ["export * from '@lockstep/errors/dist/index.js';", "another package's internals"],
    ["type A = import('../../errors/src/index.ts').A;", "another package's internals"],
    ["import { a } from 'lockstep/more';", "another package's internals"],
    ["import type { A } from '@lockstep/autodiff';", 'which libs/tree/package.json does not declare'],
    ["const a = await import('msgpackr');", 'which libs/tree/package.json does not declare'],
    ["const a = require('msgpackr/pack');", 'which libs/tree/package.json does not declare'],
    ["import { it } from 'vitest';", 'which libs/tree/package.json does not declare'],
    ["import { a } from '@lockstep/tree';", 'its own package'],
    ["import { a } from 'fs';", 'which is written node:…'],
    ["import { Dealer } from 'zeromq';", 'only libs/transport/ may'],
  ])('importTargets: finds %s', (text, problem) => {
    const faults = importTargets(withSource(file, text));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^${file}:1: imports '.+', ${problem}$`));
  });

  it('importTargets: holds the root files too', () => {
    expect(importTargets(withSource('experiments/a.ts', "import '../libs/tree/src/index.ts';"))).toHaveLength(
      1,
    );
    expect(importTargets(withSource('tools/a.mjs', "import './b.mjs';"))).toEqual([]);
  });

  it('importTargets: lets a fixture import its built package by name', () => {
    const text = "import { a } from '@lockstep/tree';";
    expect(importTargets(withSource('libs/tree/src/fixtures/peer.mjs', text))).toEqual([]);
  });

  // Split, so that Biome does not take these for suppressions of this file.
  const suppress = (rule: string, reason: string) => `// biome-${'ignore'} lint/${rule}: ${reason}\n`;

  it('suppressions: at most five long functions', () => {
    const long = suppress('complexity/noExcessiveLinesPerFunction', 'one table');
    expect(suppressions(withSource(file, long.repeat(5)))).toEqual([]);
    expect(suppressions(withSource(file, long.repeat(6)))).toEqual([
      `6 long functions are excepted, at most 5 may be: ${Array(6).fill(file).join(', ')}`,
    ]);
  });

  it('suppressions: an import cycle names its decision', () => {
    const cycle = (reason: string) => withSource(file, suppress('suspicious/noImportCycles', reason));
    expect(suppressions(cycle('docs/decisions/0021-one-module.md'))).toEqual([]);
    expect(suppressions(cycle('it works'))).toEqual([
      `${file}: an import cycle needs a note in docs/decisions, which its suppression names`,
    ]);
  });

  it('nothingGenerated: no build output is tracked', () => {
    for (const path of [
      'libs/tree/dist/index.js',
      'libs/kernels/build/portable.wasm',
      'libs/tree/a.tsbuildinfo',
    ]) {
      expect(nothingGenerated({ ...sound, tracked: [path] })).toEqual([
        `${path}: is generated and must not be committed`,
      ]);
    }
    expect(nothingGenerated({ ...sound, tracked: ['libs/tree/src/build.ts'] })).toEqual([]);
  });
});
