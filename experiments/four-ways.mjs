/**
 * Compares four ways to a derivative, for f(x1, x2) = ln x1 + x1·x2 − sin x2 at (2, 5): by hand, by finite differences,
 * symbolic and automatic. Run `node experiments/four-ways.mjs` after `npm ci`.
 */
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { evaluateExpression, formatExpression, grad, jvp, numericalGrad, programOf, tensor } from 'lockstep';

const f = (x1, x2) => x1.log().add(x1.mul(x2)).sub(x2.sin());
const point = [2, 5];

/** The derivatives by hand: ∂f/∂x1 = 1/x1 + x2, ∂f/∂x2 = x1 − cos x2. */
function byHand(x1, x2) {
  return [1 / x1 + x2, x1 - tensor(x2).cos().item()];
}

/** Each row has the method, its two derivatives, their errors relative to those by hand, and the number of evaluations of f. */
export function fourWays() {
  const exact = byHand(...point);
  let numEvaluations = 0;
  const counted = (...xs) => {
    numEvaluations++;
    return f(...xs);
  };
  const row = (method, differentiate) => {
    numEvaluations = 0;
    const derivatives = differentiate().map(Number);
    const errors = derivatives.map((derivative, i) => Math.abs(derivative - exact[i]));
    return { method, derivatives, errors, evaluations: numEvaluations };
  };
  const differences = (method) => () =>
    numericalGrad(counted, [0, 1], { method })(...point.map((x) => tensor(x)));
  return [
    row('by hand', () => exact),
    row('numerical, forward differences', differences('forward')),
    row('numerical, central differences', differences('central')),
    row('symbolic', () => {
      const [x1, x2] = point;
      return programOf(counted)(x1, x2).derivatives.map(({ result }) =>
        evaluateExpression(result, { x1, x2 }),
      );
    }),
    row('automatic, forward mode', () => [jvp(counted, point, [1, 0])[1], jvp(counted, point, [0, 1])[1]]),
    row('automatic, reverse mode', () => grad(counted, [0, 1])(...point)),
  ];
}

function print() {
  for (const { name, result } of programOf(f)(...point).derivatives) {
    console.log(`${name} = ${formatExpression(result)}`);
  }
  console.log(
    `\n${'at (2, 5)'.padEnd(32)}${'∂f/∂x1'.padEnd(20)}${'∂f/∂x2'.padEnd(20)}largest error   evaluations of f`,
  );
  for (const { method, derivatives, errors, evaluations } of fourWays()) {
    const shown = derivatives.map((derivative) => derivative.toFixed(14).padEnd(20)).join('');
    const error = Math.max(...errors).toExponential(1);
    console.log(`${method.padEnd(32)}${shown}${error.padEnd(16)}${evaluations}`);
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) print();
