import { expect, it } from 'vitest';
import { endingOf } from './ending.ts';

const slurm = { hasOwnCoordinator: false };
const kubernetes = { hasOwnCoordinator: true };

it.each([
  ['the run has finished', 'finished', kubernetes, false, 0],
  ['the engine stops the coordinator, and starts it again', 'interrupted', kubernetes, false, 75],
  ['somebody stops the coordinator of rank 0', 'interrupted', slurm, false, 0],
  ['the engine stops all ranks', 'interrupted', slurm, true, 75],
  ['the engine stops this worker', 'left', kubernetes, true, 75],
  ['somebody stops this worker', 'left', kubernetes, false, 0],
  ['a loss is not finite', 'nonFinite', kubernetes, false, 5],
  ['the coordinator is silent', 'coordinatorLost', kubernetes, true, 4],
] as const)('%s', (_what, reason, plan, wasWarned, code) => {
  expect(endingOf({ reason }, plan, wasWarned)).toBe(code);
});
