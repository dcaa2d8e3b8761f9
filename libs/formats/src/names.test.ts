import { describe, expect, it } from 'vitest';
import { counted } from './fixtures/arrays.ts';
import { nameArrays, nestArrays } from './names.ts';

const [kernel, bias] = [counted('float32'), counted('float32', [3])];

describe('nameArrays and nestArrays', () => {
  const tree = { layers: [{ kernel, bias }, { kernel }], scale: bias };
  const names = { 'layers.0.kernel': kernel, 'layers.0.bias': bias, 'layers.1.kernel': kernel, scale: bias };

  it('are each other’s inverse', () => {
    expect(nameArrays(tree)).toEqual(names);
    expect(nestArrays(names)).toEqual(tree);
    expect(nestArrays(nameArrays(tree, '/'), '/')).toEqual(tree);
  });

  it('make a list of keys that count from 0, in whatever order they come', () => {
    expect(nestArrays({ 'a.1': bias, 'a.0': kernel })).toEqual({ a: [kernel, bias] });
    expect(nestArrays({ 'a.1': bias, 'a.2': kernel })).toEqual({ a: { 1: bias, 2: kernel } });
    expect(nestArrays({ '__proto__.x': bias })).toEqual(Object.fromEntries([['__proto__', { x: bias }]]));
  });

  it('refuse what no tree can hold', () => {
    expect(() => nestArrays({ a: bias, 'a.b': kernel })).toThrow("'a.b' is both an array and the beginning");
    expect(() => nestArrays({ 'a.b': bias, a: kernel })).toThrow("'a' is both an array and the beginning");
    expect(() => nameArrays({ 'a.b': bias })).toThrow("the key 'a.b' holds the separator '.'");
  });
});
