import { describe, expect, it } from 'vitest';
import {
  aBoolean,
  aFunction,
  aNumber,
  checkOptions,
  either,
  LockstepError,
  listOf,
  nestedOptions,
  oneOf,
  type Rules,
  required,
  signature,
  whole,
} from './index.ts';

interface PoolOptions {
  readonly stride?: number;
  readonly padding?: 'same' | 'valid';
}

const rules: Rules<PoolOptions> = { stride: whole(1), padding: oneOf('same', 'valid') };
const check = signature(
  'pool',
  { size: either(whole(1), listOf(whole(1), '[height, width]', 2)), 'name?': aFunction },
  rules,
);

function messageOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(LockstepError);
    return (error as LockstepError).message;
  }
  return 'nothing was thrown';
}

describe('a signature', () => {
  it('accepts arguments that fit, and missing optional ones', () => {
    check(2);
    check([2, 3], undefined, {});
    check(2, () => 0, { stride: 2, padding: undefined });
    check(2, undefined, Object.create(null));
  });

  it.each<[string, readonly unknown[], string]>([
    [
      'a misspelt option',
      [2, undefined, { strides: 2 }],
      "pool: there is no option 'strides'; did you mean 'stride'? The options are padding, stride",
    ],
    [
      'an unknown option without a near name',
      [2, undefined, { dilation: 2 }],
      "pool: there is no option 'dilation'; the options are padding, stride",
    ],
    [
      'a name that every object inherits',
      [2, undefined, { constructor: 2 }],
      "pool: there is no option 'constructor'; the options are padding, stride",
    ],
    [
      'a string outside the allowed ones',
      [2, undefined, { padding: 'sane' }],
      "pool: padding is the string 'sane'; it must be 'same' or 'valid'; did you mean 'same'?; the call is pool(size, name?, { stride?, padding? })",
    ],
    [
      'a value of another kind',
      [2, undefined, { stride: '2' }],
      "pool: stride is the string '2'; it must be a whole number ≥ 1; the call is pool(size, name?, { stride?, padding? })",
    ],
    [
      'an object of options in place of a positional argument',
      [{ size: 2 }],
      'pool: size is an object of size; it must be a whole number ≥ 1, or [height, width]; the call is pool(size, name?, { stride?, padding? })',
    ],
    [
      'a missing argument',
      [],
      'pool: size is missing; it must be a whole number ≥ 1, or [height, width]; the call is pool(size, name?, { stride?, padding? })',
    ],
    [
      'a value that is no object of options',
      [2, undefined, true],
      'pool: options are an object { stride?, padding? }, not true; the call is pool(size, name?, { stride?, padding? })',
    ],
    [
      'null for options',
      [2, undefined, null],
      'pool: options are an object { stride?, padding? }, not null; the call is pool(size, name?, { stride?, padding? })',
    ],
  ])('refuses %s', (_what, given, message) => {
    expect(messageOf(() => check(...given))).toBe(message);
  });

  it('checks every remaining argument, and holes in lists', () => {
    const checkAll = signature('chain', { '...links': aFunction });
    checkAll();
    checkAll(() => 0, Math.abs);
    expect(messageOf(() => checkAll(() => 0, 3))).toBe(
      'chain: links[1] is 3; it must be a function; the call is chain(...links)',
    );
    const checkList = signature('sizes', { list: listOf(whole(1)) });
    expect(messageOf(() => checkList(new Array(2)))).toContain('list is the list [undefined, undefined]');
  });
});

describe('options within options', () => {
  const nested: Rules = { split: nestedOptions({ validation: aNumber, test: aNumber }), shuffle: aBoolean };

  it('are checked, and messages name the outer option', () => {
    checkOptions('csv', { split: { test: 0.1 } }, nested);
    expect(
      messageOf(() => checkOptions('csv', { split: { valdation: 0.2 } }, nested, { code: 'config' })),
    ).toBe(
      "csv: split: there is no option 'valdation'; did you mean 'validation'? The options are test, validation",
    );
    expect(messageOf(() => checkOptions('csv', { split: 0.2 }, nested))).toBe(
      'csv: split is 0.2; it must be an object of validation, test',
    );
  });

  it('must be given if they are required', () => {
    const checkCosine = signature('cosine', {}, { peak: required(aNumber), floor: aNumber });
    checkCosine({ peak: 1 });
    const missing = 'cosine: peak is missing; it must be a number; the call is cosine({ peak, floor? })';
    expect(messageOf(() => checkCosine({ floor: 0 }))).toBe(missing);
    expect(messageOf(() => checkCosine())).toBe(missing);
    expect(messageOf(() => checkCosine({ peek: 1 }))).toContain("did you mean 'peak'?");
  });

  it('fail with the given error code', () => {
    try {
      checkOptions('csv', { shufle: true }, nested, { code: 'config' });
    } catch (error) {
      expect(error).toMatchObject({ code: 'config', facts: { option: 'shufle', near: 'shuffle' } });
      return;
    }
    expect.unreachable();
  });
});
