import { expect, it } from 'vitest';
import { createWarnings } from './warnings.ts';

it('tells the first step that is not finite, and counts the others', () => {
  const warnings = createWarnings();
  expect(warnings.ofStep(1, { metrics: {} })).toBeUndefined();
  expect(warnings.ofStep(2, { nonFinite: ['loss'] })).toEqual({ type: 'nonFinite', step: 2, what: ['loss'] });
  expect(warnings.ofStep(3, { nonFinite: ['loss'] })).toBeUndefined();
  expect(warnings.numSteps).toBe(2);
});

it('tells each evaluation that is not finite, by its metrics', () => {
  const warnings = createWarnings();
  expect(warnings.ofEvaluation(5, { metrics: { 'test/loss': 1 } })).toBeUndefined();
  expect(warnings.ofEvaluation(5, { metrics: { 'test/loss': Number.NaN, 'test/accuracy': 1 } })).toEqual({
    ...{ type: 'nonFiniteEvaluation', step: 5, what: ['test/loss'] },
  });
  expect(warnings.numSteps).toBe(0);
});
