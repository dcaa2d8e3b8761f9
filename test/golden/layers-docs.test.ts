/** The code of docs/layers.md runs with the stated results, and the page names all exports. */
import * as autodiff from '@lockstep/autodiff';
import * as nn from '@lockstep/nn';
import * as library from 'lockstep';
import { describe, expect, it } from 'vitest';
import { blocksOf, execute, importsOf, readText } from './documentation.ts';

const page = readText('../../docs/layers.md');
const blocks = blocksOf(page, 'ts');

/** Exports that only the trainer needs. */
const internal = [
  'applied',
  'asLayer',
  'firstUnnamed',
  'initialize',
  'unnamedText',
  'watchLayers',
  'watchNames',
];

describe('docs/layers.md', () => {
  it.each(blocks.map((code, i) => [i, code] as const))(
    'block %i imports what is published, and runs',
    (_, code) => {
      expect(importsOf(code).filter((name) => !(name in library))).toEqual([]);
      expect.assertions(1 + code.match(/\/\/ → /g)!.length);
      execute(code, library);
    },
  );

  it('shows the summary of its model', () => {
    const code = blocks[0]!.replace(/^summary\(/m, 'return summary(');
    expect(`${execute(code, library)}\n`).toBe(blocksOf(page, 'text')[0]);
  });

  it('names all that the library exports', () => {
    const names = Object.keys(nn).filter((name) => !internal.includes(name) && !(name in autodiff));
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(page))).toEqual([]);
  });

  it('has them in the umbrella, some among the initialisers alone', () => {
    const inside = Object.keys(nn.initializers);
    const missing = Object.keys(nn).filter((name) => !(name in library) && !inside.includes(name));
    expect(missing.sort()).toEqual(internal);
  });
});
