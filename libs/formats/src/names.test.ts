import { frozenLeaves, markFrozen } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { counted } from './fixtures/arrays.ts';
import { nameArrays, nestArrays } from './names.ts';

const [kernel, bias] = [counted('float32'), counted('float32', [3])];

describe('nameArrays and nestArrays', () => {
  const tree = { layers: [{ kernel, bias }, { kernel }], scale: bias };
  const names = { 'layers.0.kernel': kernel, 'layers.0.bias': bias, 'layers.1.kernel': kernel, scale: bias };

  it('are inverses of each other', () => {
    expect(nameArrays(tree)).toEqual(names);
    expect(nestArrays(names)).toEqual(tree);
    expect(nestArrays(nameArrays(tree, '/'), '/')).toEqual(tree);
  });

  it('turn keys that count from 0 into a list, whatever their order', () => {
    expect(nestArrays({ 'a.1': bias, 'a.0': kernel })).toEqual({ a: [kernel, bias] });
    expect(nestArrays({ 'a.1': bias, 'a.2': kernel })).toEqual({ a: { 1: bias, 2: kernel } });
    expect(nestArrays({ '__proto__.x': bias })).toEqual(Object.fromEntries([['__proto__', { x: bias }]]));
  });

  it('keep the indices of layers around layers without arrays', () => {
    const layers = { '1.kernel': kernel, '1.bias': bias, '3.0.kernel': kernel };
    expect(nestArrays(layers)).toEqual([{}, { kernel, bias }, {}, [{ kernel }]]);
    expect(nestArrays({ 'model.2.kernel': kernel })).toEqual({ model: [{}, {}, { kernel }] });
    expect(nestArrays({ '1000.w': bias, '2000.w': bias })).toEqual({ 1000: { w: bias }, 2000: { w: bias } });
    expect(nestArrays({ '01.w': bias })).toEqual({ '01': { w: bias } });
  });

  it('restore the structure of the tree in like, including empty layers', () => {
    const like = [{ kernel, bias }, {}, { body: [{}, { kernel }], note: null }, {}] as const;
    const found = nestArrays(nameArrays(like as never), { like });
    expect(found).toEqual(like);
    expect(found[2].body[1]!.kernel).toBe(kernel);
    expect(nestArrays({ '0/w': bias }, { separator: '/', like: [{ w: kernel }, {}] })).toEqual([
      { w: bias },
      {},
    ]);
    const marked = nestArrays({ '0.w': bias }, { like: [markFrozen({ w: kernel })] });
    expect(frozenLeaves(marked).every(Boolean)).toBe(true);
  });

  it('report missing and unknown names for the tree in like', () => {
    const like = [{ kernel, bias }];
    expect(() => nestArrays({ '0.kernel': kernel, '1.bias': bias }, { like })).toThrow(
      'nestArrays: 0.bias is missing, and 1.bias has no place in the tree given as like, whose arrays are 0.bias, 0.kernel',
    );
  });

  it('refuse a name that is the beginning of another', () => {
    expect(() => nestArrays({ a: bias, 'a.b': kernel })).toThrow("'a.b' and another name conflict");
    expect(() => nestArrays({ 'a.b': bias, a: kernel })).toThrow("'a' and another name conflict");
    expect(() => nameArrays({ 'a.b': bias })).toThrow("the key 'a.b' holds the separator '.'");
  });
});
