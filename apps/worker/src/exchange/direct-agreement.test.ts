import { expect, it } from 'vitest';
import { createDirectAgreement } from './direct-agreement.ts';

const note = (rank: number, step: number, direct: boolean) => ({ rank, step, direct });

it('is reached in the step after the one in which the last member says that it can', () => {
  let can = false;
  const agreement = createDirectAgreement(0, 2, () => can);
  agreement.note(note(1, 1, true));
  expect([agreement.begin(1), agreement.isReached(2)]).toEqual([false, false]);
  can = true;
  expect([agreement.begin(2), agreement.isReached(2), agreement.isReached(3)]).toEqual([true, false, true]);
});

it('does not end in a generation: no member takes its word back', () => {
  let can = true;
  const agreement = createDirectAgreement(0, 2, () => can);
  agreement.begin(1);
  agreement.note(note(1, 1, true));
  can = false;
  agreement.note(note(1, 2, false));
  expect([agreement.begin(2), agreement.isReached(2), agreement.isReached(3)]).toEqual([true, true, true]);
});

it('is that of a single worker with itself', () => {
  const agreement = createDirectAgreement(0, 1, () => true);
  expect(agreement.isReached(1)).toBe(false);
  agreement.begin(1);
  expect(agreement.isReached(2)).toBe(true);
});
