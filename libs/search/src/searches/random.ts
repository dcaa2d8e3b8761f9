import { randomAssignment, type Search } from './search.ts';

/** Draws every trial from the space, independently of all others. */
export function random(): Search {
  return {
    name: 'random',
    options: {},
    isAdaptive: false,
    over: (problem) => (_history, numbers) => numbers.map((trial) => randomAssignment(problem, trial)),
  };
}
