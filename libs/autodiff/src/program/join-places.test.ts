import { describe, expect, it } from 'vitest';
import { interpret, opsOf } from '../fixtures/programs.ts';
import { bytesOf } from '../fixtures/values.ts';
import { type Aval, type Program, pad, type Tensor, tensor, traceProgram, vjp } from '../index.ts';
import { joinPlaces } from './join-places.ts';
import { removeDeadCode } from './optimize.ts';

type Fn = (...inputs: Tensor[]) => Tensor[];
const float = (...shape: number[]): Aval => ({ dtype: 'float32', shape });
const joined = (f: Fn, ...inputs: Aval[]): [before: Program, after: Program] => {
  const program = removeDeadCode(traceProgram(f, inputs));
  return [program, removeDeadCode(joinPlaces(program))];
};
const run = (program: Program, inputs: readonly Tensor[]): string[] =>
  interpret(
    program,
    inputs.map(({ dtype, shape, data }) => ({ dtype, shape, data })),
  ).map(({ data }) => bytesOf(data));

/** Three padded parts of 2, 1 and 3 rows, added in another order. */
const parts: Fn = (a, b, c) => [
  pad(b!, [
    [2, 3],
    [0, 0],
  ])
    .add(
      pad(a!, [
        [0, 4],
        [0, 0],
      ]),
    )
    .add(
      pad(c!, [
        [3, 0],
        [0, 0],
      ]),
    ),
];
const avals = [float(2, 4), float(1, 4), float(3, 4)];

describe('padded parts that are added', () => {
  it('lie side by side for a sum and a product, with the same bits for −0 and NaN', () => {
    const f: Fn = (...inputs) => {
      const [whole] = parts(...inputs) as [Tensor];
      return [whole.sum(0), whole.transpose().matmul(whole.reshape([6, 4]))];
    };
    const [before, after] = joined(f, ...avals);
    expect(opsOf(before).filter((op) => op === 'place' || op === 'add')).toHaveLength(5);
    expect(opsOf(after)).toEqual(['concatenate', 'sum', 'transpose', 'matmul']);
    const inputs = [
      tensor([
        [-0, 1, Number.NaN, -0],
        [-0, -1, 2, 3],
      ]),
      tensor([[-0, 5, 1, -1]]),
      tensor([
        [-0, 1, 2, -0],
        [-0, 3, 1, -0],
        [-0, 0, 1, 7],
      ]),
    ].map((x) => x.cast('float32'));
    expect(run(after, inputs)).toEqual(run(before, inputs));
  });
  it('are the gradient of slices', () => {
    const f: Fn = (x, g) => {
      const [, pullback] = vjp(
        (y: Tensor) =>
          y
            .slice([0], [2])
            .mul(2)
            .add(y.slice([2]).mul(3)),
        x!,
      );
      return [(pullback(g!) as Tensor[])[0]!.sum(0)];
    };
    const [before, after] = joined(f, float(4, 2), float(2, 2));
    expect(opsOf(before)).toContain('place');
    expect(opsOf(after)).not.toContain('place');
  });
  it.each<[string, Fn, Aval[]]>([
    ['are read directly', parts, avals],
    [
      'are read by an op that sees signs',
      (...xs) => [
        parts(...xs)[0]!
          .reciprocal()
          .sum(),
      ],
      avals,
    ],
    [
      'overlap',
      (a, b) => [
        pad(a!, [[0, 1]])
          .add(pad(b!, [[1, 0]]))
          .sum(),
      ],
      [float(2), float(2)],
    ],
    [
      'leave a gap',
      (a, b) => [
        pad(a!, [[0, 2]])
          .add(pad(b!, [[2, 0]]))
          .sum(),
      ],
      [float(1), float(1)],
    ],
    [
      'lie along two axes',
      (a, b) => [
        pad(a!, [
          [0, 1],
          [0, 1],
        ])
          .add(
            pad(b!, [
              [1, 0],
              [1, 0],
            ]),
          )
          .sum(),
      ],
      [float(1, 1), float(1, 1)],
    ],
  ])('stay padded where they %s', (_why, f, inputs) => {
    expect(opsOf(joined(f, ...inputs)[1])).not.toContain('concatenate');
  });
});
