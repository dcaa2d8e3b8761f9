import { describe, expect, it } from 'vitest';
import { LockstepError } from './lockstep-error.ts';
import { withRows } from './rows.ts';

function messageFor(text: (rows: number) => string): string {
  try {
    withRows(3, (rows) => {
      throw new LockstepError('shape', text(rows));
    });
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

describe('withRows', () => {
  it('writes lengths that depend on the number of rows in terms of rows, and keeps the others', () => {
    expect(messageFor((rows) => `[${rows}, 3] × [4, 3]`)).toBe('[rows, 3] × [4, 3]');
    expect(messageFor((rows) => `${rows * 784} elements, not ${rows + 2}, ${3 * rows - 1}`)).toBe(
      '784·rows elements, not rows + 2, 3·rows - 1',
    );
    expect(messageFor((rows) => `x3 of ${rows}, 0.3 and 3.5: layer 3.`)).toBe(
      'x3 of rows, 0.3 and 3.5: layer 3.',
    );
  });

  it('states the number of rows if the two messages differ in more than numbers', () => {
    expect(messageFor((rows) => 'a'.repeat(rows))).toBe('aaa (tried with 3 rows)');
  });

  it('returns the result, and passes on errors of other classes', () => {
    expect(withRows(3, (rows) => rows)).toBe(3);
    const error = new TypeError('3 is not a function');
    expect(() =>
      withRows(3, () => {
        throw error;
      }),
    ).toThrow(error);
  });
});
