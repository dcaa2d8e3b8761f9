/** Sequences of points of which constraints refuse some. */
import type { Assignment } from '../space/assignment.ts';
import { impossibleSpace, type Problem, type Propose } from './search.ts';

/** After this many refused points in a row a space counts as impossible. */
const maxRefused = 100_000;

/** Trial `t` gets point `t` of those that no constraint refuses, in the order of the sequence; none after its end. */
export function inSequence({ refusal }: Problem, points: Iterator<Assignment>): Propose {
  const accepted = acceptedOf(refusal, points);
  const found: Assignment[] = [];
  const trialOf = (trial: number): Assignment | undefined => {
    while (found.length <= trial) {
      const next = accepted.next();
      if (next.done === true) break;
      found.push(next.value);
    }
    return found[trial];
  };
  return (_history, numbers) => numbers.map(trialOf).filter((assignment) => assignment !== undefined);
}

function* acceptedOf(refusal: Problem['refusal'], points: Iterator<Assignment>): Generator<Assignment> {
  let refusals = new Map<string, number>();
  let numRefused = 0;
  let isEmpty = true;
  for (let next = points.next(); next.done !== true; next = points.next()) {
    const name = refusal(next.value);
    if (name === undefined) {
      refusals = new Map();
      numRefused = 0;
      isEmpty = false;
      yield next.value;
      continue;
    }
    refusals.set(name, (refusals.get(name) ?? 0) + 1);
    if (++numRefused >= maxRefused) throw impossibleSpace(refusals);
  }
  if (isEmpty) throw impossibleSpace(refusals);
}
