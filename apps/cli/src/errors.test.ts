import { LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import { describeError, exitCodeOf } from './errors.ts';

describe('exit codes', () => {
  it.each([
    ['experiment', 1],
    ['shape', 1],
    ['data', 1],
    ['lost', 1],
    ['config', 2],
    ['address', 2],
    ['credentials', 3],
    ['refused', 3],
  ] as const)('%s ends with %i', (code, exit) => {
    expect(exitCodeOf(new LockstepError(code, 'message'))).toBe(exit);
  });

  it('treats any other error as a failure', () => {
    expect(exitCodeOf(new TypeError('bug'))).toBe(1);
    expect(exitCodeOf('thrown text')).toBe(1);
  });
});

describe('describeError', () => {
  const error = new LockstepError('config', 'the seed must be whole', {}, { cause: new Error('the cause') });

  it('gives one block without a stack', () => {
    expect(describeError(error, false)).toBe('lockstep: the seed must be whole\n');
    expect(describeError('text', false)).toBe('lockstep: text\n');
  });

  it('points to --verbose where the mistake is not the user’s', () => {
    expect(describeError(new TypeError('x is undefined'), false)).toBe(
      'lockstep: x is undefined\n  (--verbose shows where it comes from)\n',
    );
  });

  it('shows stack and cause with --verbose', () => {
    expect(describeError(error, true)).toMatch(
      /^lockstep: the seed must be whole\n.*\n\s+at .*caused by Error: the cause/s,
    );
  });
});
