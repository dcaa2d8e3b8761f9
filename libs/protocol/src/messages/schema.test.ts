import { describe, expect, it } from 'vitest';
import { array, check, integer, object, oneOf, optional, stringOr, variants } from './schema.ts';

const shape = variants({
  circle: { radius: integer({ min: 1, max: 9 }), label: optional(oneOf(['a', 'b'])) },
  path: { points: array(object({ x: integer(), y: integer() }), { max: 2 }) },
});

describe('check', () => {
  it('keeps what is named and drops the rest', () => {
    const value = { type: 'circle', radius: 2, colour: 'red' };
    expect(check(shape, value)).toEqual({ ok: true, value: { type: 'circle', radius: 2 } });
  });

  it.each([
    [{ type: 'circle', radius: 10 }, 'radius: expected a whole number of at least 1 and at most 9'],
    [{ type: 'circle', radius: 2, label: undefined }, 'label: expected a or b'],
    [{ type: 'path', points: [{ x: 1, y: 2 }, { x: 1 }] }, 'points[1].y: expected a whole number'],
    [{ type: 'path', points: [1, 2, 3] }, 'points: expected an array with a length of at most 2'],
    [{ type: 'constructor' }, 'type: expected circle or path'],
    [[], 'message: expected an object'],
  ])('says where %j differs', (value, reason) => {
    expect(check(shape, value)).toEqual({ ok: false, reason });
  });

  it('does not take what an object inherits for its fields', () => {
    expect(check(object({ a: optional(integer()) }), Object.create({ a: 1 }))).toEqual({
      ok: true,
      value: {},
    });
  });

  it('tells strings from objects', () => {
    const either = stringOr(oneOf(['none']), object({ id: integer() }));
    expect(check(either, 'none').ok).toBe(true);
    expect(check(either, { id: 1 }).ok).toBe(true);
    expect(check(either, 'all')).toEqual({ ok: false, reason: 'message: expected none' });
  });
});
