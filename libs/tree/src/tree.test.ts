import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { formatStructure } from './structure.ts';
import { flatten, leafPaths, map, sameStructure, unflatten } from './tree.ts';
import type { LeafOf, Tree } from './types.ts';

/** Trees of integers with empty containers, `null` and `undefined`. */
const trees: fc.Arbitrary<Tree<number>> = fc.letrec<{ tree: Tree<number> }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.integer(),
    fc.constantFrom(null, undefined),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('tree'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).tree;

class Parameter {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
  plus(other: number): Parameter {
    return new Parameter(this.value + other);
  }
}

describe('flatten and unflatten', () => {
  it('restore any tree', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const { leaves, structure } = flatten(tree);
        expect(unflatten(structure, leaves)).toStrictEqual(tree);
      }),
    );
  });

  it('order keys alphabetically, whatever their order of insertion', () => {
    expect(flatten({ b: 1, a: [2, { d: 3, c: 4 }] }).leaves).toEqual([2, 4, 3, 1]);
    expect(flatten({ a: 2, b: 1 })).toEqual(flatten({ b: 1, a: 2 }));
  });

  it('treat instances, typed arrays and functions as leaves', () => {
    const leaves = [new Parameter(1), new Float32Array(2), new Map(), Math.abs];
    expect(flatten(leaves).leaves).toEqual(leaves);
  });

  it('restore keys with a special meaning in JavaScript', () => {
    const tree = JSON.parse('{"__proto__": 1, "constructor": 2, "10": 3, "9": 4}') as Record<string, number>;
    const { leaves, structure } = flatten(tree);
    expect(leaves).toEqual([3, 4, 1, 2]);
    expect(JSON.stringify(unflatten(structure, leaves))).toBe('{"9":4,"10":3,"__proto__":1,"constructor":2}');
  });

  it('stop at values for which isLeaf is true', () => {
    const isPair = (value: unknown): value is number[] => Array.isArray(value) && value.length === 2;
    const { leaves, structure } = flatten({ a: [1, 2], b: [[3, 4], 5, 6] }, isPair);
    expectTypeOf(leaves).toEqualTypeOf<number[][]>();
    expect(leaves).toEqual([[1, 2], [3, 4], 5, 6]);
    expect(formatStructure(structure)).toBe('{a: *, b: [*, *, *]}');
  });

  it('refuse a wrong number of leaves', () => {
    const { structure } = flatten({ w: 1, b: [2, null] });
    expect(() => unflatten(structure, [1])).toThrow(
      'unflatten: got 1 leaves, but {b: [*, null], w: *} has 2',
    );
    expect(() => unflatten(structure, [1, 2, 3])).toThrow('got 3 leaves');
  });
});

describe('map', () => {
  it('satisfies the identity and composition laws', () => {
    const f = (x: number) => x * 2;
    const g = (x: number) => x - 1;
    fc.assert(
      fc.property(trees, (tree) => {
        expect(map((x: number) => x, tree)).toStrictEqual(tree);
        expect(map(g, map(f, tree))).toStrictEqual(map((x: number) => g(f(x)), tree));
      }),
    );
  });

  it('gives f the leaves of all trees', () => {
    const grads = { w: [10, 20] as const, b: 30 };
    expect(
      map((p, g, name) => `${name}${p + g}`, { w: [1, 2] as const, b: 3 }, grads, { w: ['x', 'y'], b: 'z' }),
    ).toEqual({
      w: ['x11', 'y22'],
      b: 'z33',
    });
  });

  it('names the path at which the trees differ', () => {
    const tree = { layers: [{ w: 1, b: 2 }, { w: 3 }] };
    expect(() => map((a) => a, tree, { layers: [{ w: 1, b: 2 }, { w: [3] }] })).toThrow(
      "map: the trees differ at 'layers/1/w': a leaf in the first, an array of 1 in the other",
    );
    expect(() => map((a) => a, tree, { layers: [{ w: 1 }, { w: 3 }] })).toThrow(
      "at 'layers/0': an object with b, w in the first, an object with w in the other",
    );
    expect(() => map((a) => a, tree, null)).toThrow('at the root: an object with layers in the first, null');
  });

  it('keeps the type of the tree', () => {
    type Params = {
      layer: { w: Parameter; b?: Parameter };
      list: readonly [Parameter, Parameter];
      none: null;
    };
    const one = new Parameter(1);
    const params: Params = { layer: { w: one }, list: [one, one], none: null };
    const moved = map((leaf) => leaf.plus(1), params);
    expectTypeOf(moved).toEqualTypeOf<Params>();
    expect(moved.list[1].value).toBe(2);

    const numbers = map((leaf) => leaf.value, params);
    expectTypeOf(numbers).toEqualTypeOf<{
      layer: { w: number; b?: number };
      list: readonly [number, number];
      none: null;
    }>();

    const loose: Tree<Parameter> = params;
    expectTypeOf<LeafOf<typeof loose>>().toEqualTypeOf<Parameter>();
    expectTypeOf(map((leaf) => leaf.value, loose as Tree<Parameter>)).toEqualTypeOf<Tree<number>>();
  });
});

describe('leafPaths', () => {
  it('gives paths in the order of the leaves', () => {
    expect(leafPaths({ layers: [{ w: 1, b: 2 }, { w: 3 }], bias: 4, none: null })).toEqual([
      'bias',
      'layers/0/b',
      'layers/0/w',
      'layers/1/w',
    ]);
    expect(leafPaths(1)).toEqual(['']);
    expect(leafPaths([])).toEqual([]);
  });

  it.each(['', 'a/b'])('refuses the key %j', (key) => {
    expect(() => leafPaths({ x: { [key]: 1 } })).toThrow(`leafPaths: the key '${key}' under 'x'`);
  });
});

describe('sameStructure', () => {
  it('compares everything but the leaves', () => {
    expect(sameStructure({ a: 1, b: [2] }, { b: ['x'], a: 'y' })).toBe(true);
    for (const other of [{ a: 1 }, { a: 1, b: [2, 3] }, { a: 1, c: [2] }, { a: null, b: [2] }, [1, [2]], 1]) {
      expect(sameStructure({ a: 1, b: [2] }, other)).toBe(false);
    }
    expect(sameStructure([], {})).toBe(false);
    expect(sameStructure(null, undefined)).toBe(false);
  });
});

describe('a tree that contains itself', () => {
  it('is an error, not a stack overflow', () => {
    const list: unknown[] = [];
    list.push(list);
    expect(() => flatten(list)).toThrow(
      'nested more than 1000 deep; does a list or an object in it contain itself?',
    );
    const object: Record<string, unknown> = {};
    object.self = object;
    expect(() => leafPaths(object)).toThrow('contain itself');
  });
});
