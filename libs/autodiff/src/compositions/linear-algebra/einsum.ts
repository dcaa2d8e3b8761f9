/**
 * Einstein summation: products of arrays whose axes have names. Arrays are multiplied from left to right, two at a
 * time, as one batched matrix product. An axis is summed as soon as neither a later array nor the result names it.
 */

import { aString, LockstepError, signature } from '@lockstep/errors';
import { formatShape, sizeOf } from '@lockstep/tensor';
import { asTensors, type TensorLike } from '../../convert.ts';
import { tensorLike } from '../../kinds.ts';
import { mul } from '../../primitives/elementwise/fusible.ts';
import { matmul } from '../../primitives/linear-algebra/matmul.ts';
import { sum } from '../../primitives/reduce/sum.ts';
import { reshape, transpose } from '../../primitives/shape/reshape.ts';
import type { Tensor } from '../../tensor.ts';
import { diagonal } from './matrices.ts';

/** An array and the name of each axis. */
interface Term {
  readonly x: Tensor;
  readonly labels: readonly string[];
}

const checkEinsum = signature('einsum', { equation: aString, '...operands': tensorLike });

/**
 * `einsum('ij,jk->ik', a, b)`: letters name axes. Axes of the same name are aligned, and axes that the result does not
 * name are summed. Without '->' the result has the letters that occur once, in alphabetical order. '...' stands for all
 * further axes, which broadcast. A letter twice in one array takes the array's diagonal.
 */
export function einsum(equation: string, ...operands: readonly TensorLike[]): Tensor {
  checkEinsum(equation, ...operands);
  const xs = asTensors('einsum', ...operands);
  const { inputs, output } = parse(equation, xs);
  const lengths = lengthsOf(equation, inputs);
  let rest = inputs.map((term) => withoutUnits(withDiagonals(term), lengths));
  while (rest.length > 1) {
    const [a, b, ...later] = rest as [Term, Term, ...Term[]];
    rest = [multiply(a, b, new Set([...output, ...later.flatMap(({ labels }) => labels)])), ...later];
  }
  const { x, labels } = summed(rest[0]!, new Set(output));
  return transpose(
    x,
    output.map((label) => labels.indexOf(label)),
  );
}

function parse(equation: string, xs: readonly Tensor[]): { inputs: Term[]; output: string[] } {
  const compact = equation.replaceAll(' ', '');
  const [left, right, more] = compact.split('->') as [string, string | undefined, string | undefined];
  const subscripts = left.split(',');
  const isTerm = (text: string): boolean => /^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/.test(text);
  if (more !== undefined || ![...subscripts, right ?? ''].every(isTerm)) {
    throw wrong(
      equation,
      "an equation is made of letters, '...', commas and at most one '->', as in 'ij,jk->ik'",
    );
  }
  if (subscripts.length !== xs.length) {
    throw wrong(equation, `the equation names ${subscripts.length} arrays, but ${xs.length} were given`);
  }
  const inputs = xs.map((x, i) => ({ x, labels: labelsOf(equation, subscripts[i]!, x) }));
  const all = inputs.flatMap(({ labels }) => labels);
  const dots = [...new Set(all.filter((label) => label.startsWith('.')))].sort(
    (a, b) => Number(b.slice(1)) - Number(a.slice(1)),
  );
  const once = all.filter((label) => !label.startsWith('.') && all.indexOf(label) === all.lastIndexOf(label));
  const output =
    right === undefined
      ? [...dots, ...once.sort()]
      : right.split('...').flatMap((part, i) => (i === 0 ? [...part] : [...dots, ...part]));
  const odd = output.find((label, i) => !all.includes(label) || output.indexOf(label) !== i);
  if (odd !== undefined) {
    throw wrong(
      equation,
      `the result names '${odd}'${all.includes(odd) ? ' twice' : ', which no array has'}`,
    );
  }
  return { inputs, output };
}

/** The labels of an array's axes. Axes under '...' are numbered from the last one: '.0', '.1', … */
function labelsOf(equation: string, subscript: string, x: Tensor): string[] {
  const [before, after] = subscript.split('...').map((part) => [...part]) as [string[], string[] | undefined];
  const further = x.rank - before.length - (after?.length ?? 0);
  if (further < 0 || (after === undefined && further > 0)) {
    throw wrong(equation, `'${subscript}' does not name the ${x.rank} axes of ${formatShape(x.shape)}`);
  }
  return [...before, ...Array.from({ length: further }, (_, i) => `.${further - 1 - i}`), ...(after ?? [])];
}

const wrong = (equation: string, what: string): LockstepError =>
  new LockstepError('argument', `einsum '${equation}': ${what}`, { op: 'einsum', equation });

/** The length of each name; a length of 1 stretches to any other. */
function lengthsOf(equation: string, terms: readonly Term[]): Map<string, number> {
  const lengths = new Map<string, number>();
  for (const { x, labels } of terms) {
    for (const [axis, label] of labels.entries()) {
      const [length, known = 1] = [x.shape[axis]!, lengths.get(label)];
      if (known !== 1 && length !== 1 && known !== length) {
        throw new LockstepError(
          'shape',
          `einsum '${equation}': '${label}' is ${known} long in one array and ${length} in another; shapes ${terms.map((term) => formatShape(term.x.shape)).join(', ')}`,
          { op: 'einsum', equation, shapes: terms.map((term) => term.x.shape) },
        );
      }
      lengths.set(label, known === 1 ? length : known);
    }
  }
  return lengths;
}

/** The term with one axis for each name. */
function withDiagonals({ x, labels }: Term): Term {
  const second = labels.findIndex((label, axis) => labels.indexOf(label) !== axis);
  if (second === -1) return { x, labels };
  const first = labels.indexOf(labels[second]!);
  const rest = labels.filter((_, axis) => axis !== first && axis !== second);
  if (x.shape[first] !== x.shape[second]) {
    throw new LockstepError(
      'shape',
      `einsum: '${labels[second]}' twice in one array takes its diagonal, but the axes of ${formatShape(x.shape)} are ${x.shape[first]} and ${x.shape[second]} long`,
      { op: 'einsum', shape: x.shape },
    );
  }
  return withDiagonals({ x: diagonal(x, 0, first, second), labels: [...rest, labels[second]!] });
}

/** The term without axes of length 1 that stretch: an array without an axis is constant along it. */
function withoutUnits({ x, labels }: Term, lengths: ReadonlyMap<string, number>): Term {
  const kept = labels.map((_, axis) => axis).filter((axis) => x.shape[axis] === lengths.get(labels[axis]!));
  return {
    x: reshape(
      x,
      kept.map((axis) => x.shape[axis]!),
    ),
    labels: kept.map((axis) => labels[axis]!),
  };
}

/** Sums the axes that are not in `keep`. */
function summed({ x, labels }: Term, keep: ReadonlySet<string>): Term {
  const axes = labels.flatMap((label, axis) => (keep.has(label) ? [] : [axis]));
  return axes.length === 0
    ? { x, labels }
    : { x: sum(x, axes), labels: labels.filter((label) => keep.has(label)) };
}

/** The product of two arrays; the names in `keep` are not summed. */
function multiply(left: Term, right: Term, keep: ReadonlySet<string>): Term {
  const a = summed(left, new Set([...keep, ...right.labels]));
  const b = summed(right, new Set([...keep, ...left.labels]));
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => keep.has(label));
  const contracted = shared.filter((label) => !keep.has(label));
  const [freeA, freeB] = [a, b].map(({ labels }) => labels.filter((label) => !shared.includes(label))) as [
    string[],
    string[],
  ];
  const labels = [...batch, ...freeA, ...freeB];
  const lengths = (term: Term, names: readonly string[]): number[] =>
    names.map((name) => term.x.shape[term.labels.indexOf(name)]!);
  const ordered = (term: Term, names: readonly string[]): Tensor =>
    transpose(
      term.x,
      names.map((name) => term.labels.indexOf(name)),
    );
  if (contracted.length === 0) {
    const columns = reshape(ordered(a, [...batch, ...freeA]), [
      ...lengths(a, [...batch, ...freeA]),
      ...freeB.map(() => 1),
    ]);
    const rows = reshape(ordered(b, [...batch, ...freeB]), [
      ...lengths(b, batch),
      ...freeA.map(() => 1),
      ...lengths(b, freeB),
    ]);
    return { x: mul(columns, rows), labels };
  }
  /**
   * The array as matrices rows × columns. If the axes are stored the other way round, the product reads the transpose.
   */
  const matrices = (
    term: Term,
    rows: readonly string[],
    columns: readonly string[],
  ): { x: Tensor; isTransposed: boolean } => {
    const isTransposed = term.labels.join() === [...batch, ...columns, ...rows].join();
    const groups = isTransposed ? [columns, rows] : [rows, columns];
    const shape = [...lengths(term, batch), ...groups.map((names) => sizeOf(lengths(term, names)))];
    return { x: reshape(ordered(term, [...batch, ...groups.flat()]), shape), isTransposed };
  };
  const [first, second] = [matrices(a, freeA, contracted), matrices(b, contracted, freeB)];
  const product = matmul(first.x, second.x, {
    transposeA: first.isTransposed,
    transposeB: second.isTransposed,
  });
  return { x: reshape(product, [...lengths(a, batch), ...lengths(a, freeA), ...lengths(b, freeB)]), labels };
}
