import { expect, it } from 'vitest';
import { createNonFiniteSearch } from './non-finite.ts';

it('gives a notice of the first step that is not finite, and counts the others', () => {
  const search = createNonFiniteSearch();
  expect(search.ofStep(1, { metrics: {} })).toBeUndefined();
  expect(search.ofStep(2, { nonFinite: ['loss'] })).toMatchObject({
    type: 'nonFinite',
    message: expect.stringContaining('step 2 is not finite: loss'),
    facts: { step: 2, what: ['loss'] },
  });
  expect(search.ofStep(3, { nonFinite: ['loss'] })).toBeUndefined();
  expect(search.numSteps).toBe(2);
});

it('gives a notice of each evaluation that is not finite, with its metrics', () => {
  const search = createNonFiniteSearch();
  expect(search.ofEvaluation(5, { metrics: { 'test/loss': 1 } })).toBeUndefined();
  const metrics = { 'test/loss': Number.NaN, 'test/accuracy': 1 };
  expect(search.ofEvaluation(5, { metrics })).toMatchObject({
    type: 'nonFiniteEvaluation',
    facts: { step: 5, what: ['test/loss'] },
  });
  expect(search.numSteps).toBe(0);
});
