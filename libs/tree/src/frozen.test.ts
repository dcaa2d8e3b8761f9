import { describe, expect, it } from 'vitest';
import { frozenLeaves, markFrozen } from './frozen.ts';
import { firstDifference, type Structure } from './structure.ts';
import { flatten, map, sameStructure, unflatten } from './tree.ts';

const plain = { body: [{ w: 1, b: 2 }, {}], head: { w: 3 } };
const tree = { ...plain, body: markFrozen(plain.body) };

describe('markFrozen', () => {
  it('marks all leaves below it and no others', () => {
    expect(frozenLeaves(tree)).toEqual([true, true, false]);
    expect(frozenLeaves(plain)).toEqual([false, false, false]);
  });

  it('sets a mark that map, unflatten, JSON of the structure, and spreading keep', () => {
    expect(frozenLeaves(map((x) => Number(x) + 1, tree))).toEqual([true, true, false]);
    const { leaves, structure } = flatten(tree);
    const sent = JSON.parse(JSON.stringify(structure)) as Structure;
    expect(frozenLeaves(unflatten(sent, leaves))).toEqual([true, true, false]);
    expect(frozenLeaves([...tree.body])).toEqual([true, true]);
    expect(frozenLeaves({ ...tree.body[0], b: 7 })).toEqual([true, true]);
  });

  it('changes neither values nor the comparison of structures', () => {
    expect(Object.keys(tree.body[0]!)).toEqual(['b', 'w']);
    expect(JSON.stringify(tree.body)).toBe('[{"b":2,"w":1},{}]');
    expect(sameStructure(tree, plain)).toBe(true);
    expect(firstDifference(flatten(plain).structure, flatten(tree).structure)).toBeUndefined();
    expect(frozenLeaves(plain.body)).toEqual([false, false]);
  });

  it('refuses a lone leaf', () => {
    expect(() => markFrozen(1)).toThrow('a lone tensor has no container');
  });
});
