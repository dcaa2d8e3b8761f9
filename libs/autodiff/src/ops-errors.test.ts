/** Errors of ops for arguments that make no sense name the arguments, the expectation and the remedy. */
import { LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import * as ops from './index.ts';
import { grad, jit, type Tensor, tensor, vmap } from './index.ts';

const { sort, softmax, logSoftmax, argmin, std, median, any, ptp, nanMean } = ops;

const zeros = (...shape: number[]): Tensor => ops.zeros(shape, 'float64');
const images = zeros(1, 4, 4, 6);
const twoByThree = zeros(2, 3);

type Mistake = readonly [string, () => unknown, RegExp];

const mistakes: readonly Mistake[] = [
  [
    'another number of channels',
    () => ops.conv2d(images, zeros(3, 3, 5, 2)),
    /same C, not \[1, 4, 4, 6\] and \[3, 3, 5, 2\]/,
  ],
  [
    'groups that do not divide',
    () => ops.conv2d(images, zeros(3, 3, 2, 4), { groups: 3 }),
    /3 groups divide C and O/,
  ],
  [
    'a kernel too large',
    () => ops.conv2d(images, zeros(3, 3, 6, 2), { padding: 'valid', dilation: 2 }),
    /a 5×5 kernel does not fit images of 4×4/,
  ],
  [
    'half a stride',
    () => ops.conv2d(images, zeros(1, 1, 6, 2), { stride: 0.5 }),
    /stride is \[0.5, 0.5\]; use a whole number ≥ 1/,
  ],
  [
    'padding with less than nothing',
    () => ops.conv2d(images, zeros(1, 1, 6, 2), { padding: -1 }),
    /padding is -1; use 'same'/,
  ],
  ['images for sequences', () => ops.conv1d(images, zeros(3, 6, 2)), /conv1d: takes sequences \[B, L, C\]/],
  [
    'outputPadding as large as the stride',
    () => ops.convTranspose2d(images, zeros(3, 3, 6, 2), { stride: 2, outputPadding: 2 }),
    /outputPadding \[2, 2\] must be smaller than the stride \[2, 2\]/,
  ],
  [
    'nothing left',
    () => ops.convTranspose2d(zeros(1, 1, 1, 1), zeros(2, 2, 1, 1), { padding: 1 }),
    /padding cuts off all/,
  ],
  [
    'windows of padding alone',
    () => ops.maxPool(images, 2, { padding: 2 }),
    /padding .* is as large as the 2×2 window/,
  ],
  [
    'integers in a mean',
    () => ops.avgPool(ops.cast(images, 'int32'), 2),
    /avgPool: takes float32 or float64, not int32; convert with .cast\('float32'\)/,
  ],
  ['a vector to pool', () => ops.maxPool1d(zeros(3), 2), /maxPool1d: takes sequences/],
  ['no axes to pool over', () => ops.globalAvgPool(twoByThree), /at least one axis between/],

  [
    'an axis too long to squeeze',
    () => ops.squeeze(twoByThree, 0),
    /squeeze: axis 0 of \[2, 3\] has length 2, not 1/,
  ],
  [
    'an axis moved twice',
    () => ops.moveAxis(zeros(2, 3, 4), [0, 0], [1, 2]),
    /name as many places as axes, each once/,
  ],
  ['a grid of matrices', () => ops.meshgrid([twoByThree]), /meshgrid: takes vectors, not \[2, 3\]/],
  ['half a copy', () => ops.tile(twoByThree, 1.5), /tile: counts are whole and ≥ 0, not 1.5/],
  ['too few counts', () => ops.repeat(zeros(3), [1, 2], 0), /repeat: 2 counts for the 3 elements/],
  ['shifts without axes', () => ops.roll(twoByThree, [1, 1]), /several shifts need as many axes/],
  ['one axis to turn', () => ops.rot90(twoByThree, 1, [0, 0]), /two different axes/],
  [
    'unequal pieces',
    () => ops.split(zeros(5), 2),
    /axis 0 of \[5\] cannot be split into 2 equal pieces; use arraySplit/,
  ],
  ['no pieces', () => ops.arraySplit(zeros(5), 0), /0 pieces; use a whole number ≥ 1/],
  [
    'a stack of unequal shapes',
    () => ops.stack([zeros(2), zeros(3)]),
    /stack: \[2\], \[3\] differ; .* concatenate joins/,
  ],
  [
    'a length for a shape',
    () => ops.zeros(3 as never),
    /zeros: shape is 3; it must be a list of lengths such as \[2, 3\]; the call is zeros\(shape, dtype\?\)/,
  ],
  [
    'lengths for a shape',
    () => Reflect.apply(twoByThree.reshape, twoByThree, [3, 2]),
    /reshape: shape is 3; it must be a list of lengths/,
  ],
  [
    'data wider than parameters',
    () => twoByThree.matmul(ops.zeros([3, 2])),
    /matmul: element types differ: float64 and float32; convert one with .cast\('float32'\)/,
  ],
  [
    'whole numbers beside floats',
    () => ops.add(tensor(Int32Array.of(1)), zeros(1)),
    /int32 and float64; convert one with .cast\('float64'\)/,
  ],
  ['a slice beyond the end', () => ops.slice(zeros(3), [0], [4]), /0:4:1 is outside axis 0 of \[3\]/],
  ['a step of 0', () => ops.slice(zeros(3), [0], [3], [0]), /steps are whole and not 0/],
  [
    'an index that does not exist',
    () => ops.at(twoByThree, 0, 3),
    /at: index 3 does not exist along axis 1 of \[2, 3\]/,
  ],
  [
    'an index for an axis that does not exist',
    () => ops.at(zeros(3), 0, 0),
    /at: index 0 does not exist along axis 1/,
  ],
  ['dots twice', () => ops.at(twoByThree, '...', '...'), /'...' may occur once/],
  [
    'a border for another rank',
    () => ops.pad(twoByThree, [[1, 1]]),
    /pad: needs one \[before, after\] ≥ 0 for each of the 2 axes/,
  ],
  [
    'a mirror of nothing',
    () => ops.pad(zeros(0), 1, { mode: 'reflect' }),
    /mode 'reflect' has nothing to repeat/,
  ],
  ['the diagonal of a vector', () => ops.diagonal(zeros(3)), /diagonal: takes matrices/],
  ['the diagonal of one axis', () => ops.diagonal(twoByThree, 0, 1, -1), /are the same axis; name two/],
  ['a matrix on a diagonal', () => ops.diag(zeros(2, 2, 2)), /diag: takes a vector or a matrix/],

  [
    'an index outside',
    () => ops.take(zeros(3), [0, 3]),
    /take: index 3 does not exist along an axis of length 3; use whole numbers from -3 to 2/,
  ],
  ['indices of floats', () => ops.take(zeros(3), zeros(1)), /indices are int32, not float64/],
  ['indices of another rank', () => ops.takeAlongAxis(twoByThree, [0]), /they need as many axes as x/],
  [
    'indices beyond x',
    () => ops.putAlongAxis(zeros(1, 3), [[0], [1]], 1),
    /reach beyond x \[1, 3\]; only axis 1 may differ/,
  ],
  ['values that do not fit', () => ops.indexUpdate(zeros(3), [0, 1], [1, 2, 3]), /broadcastTo/],
  [
    'a mask of numbers',
    () => ops.compress(zeros(3), zeros(3)),
    /compress: a mask of float64\[3\].* must be bool/,
  ],
  [
    'a mask of another length',
    () => ops.compress(zeros(3), zeros(2).greater(0)),
    /lengths of x's first axes/,
  ],
  ['more than there is', () => ops.topK(zeros(3), 4), /there are 3 elements along axis 0 of \[3\].* not 4/],
  ['rows that do not match', () => ops.searchSorted(twoByThree, zeros(3, 1)), /one for each row of values/],
  ['one edge', () => ops.histogram(zeros(3), [1]), /at least two numbers, not \[1\]/],
  [
    'fewer choices than conditions',
    () => ops.select([zeros(1).greater(0)], []),
    /1 conditions and 0 choices/,
  ],

  [
    'matrices that do not meet',
    () => ops.matmul(twoByThree, twoByThree),
    /inner dimensions differ: \[2, 3\] × \[2, 3\]; transpose/,
  ],
  [
    'batches that do not broadcast',
    () => ops.matmul(zeros(2, 2, 2), zeros(3, 2, 2)),
    /axes before the last two of \[2, 2, 2\] × \[3, 2, 2\] do not broadcast/,
  ],
  [
    'matrices that no transpose makes meet',
    () => ops.matmul(twoByThree, zeros(5, 7)),
    /\[2, 3\] × \[5, 7\]; the second needs 3 rows, or the first 5 columns/,
  ],
  ['vectors of other lengths', () => ops.dot(zeros(2), zeros(3)), /^dot: axes \[0\] of \[2\]/],
  ['more axes than there are', () => ops.tensorDot(twoByThree, zeros(3), 2), /do not both have 2 axes/],
  ['ranks that differ', () => ops.concatenate([zeros(3), twoByThree]), /different numbers of axes; add one/],
  ['an axis twice', () => ops.sum(twoByThree, [0, -2]), /sum: an axis is named twice in \[0, 0\].*once/],
  ['lengths below nothing', () => ops.zeros([2, -1]), /an array cannot have the shape \[2, -1\]/],
  ['half an element', () => ops.arange(1.5), /arange: an array cannot have the shape \[1\.5\]/],
  ['a square of no side', () => ops.eye(-1), /eye: an array cannot have the shape \[-1, -1\]/],
  [
    'a stretch below nothing',
    () => ops.broadcastTo(zeros(3), [-1, 3]),
    /broadcastTo: an array cannot have the shape \[-1, 3\]/,
  ],
  ['bounds that cross', () => ops.clip(zeros(3), 3, 1), /clip: no number lies between 3 and 1/],
  ['a sum of no logarithms', () => ops.logSumExp(zeros(0)), /^logSumExp: axis 0 of \[0\] is empty/],
  ['a distribution over nothing', () => ops.softmax(zeros(2, 0)), /^softmax: axis 1 of \[2, 0\] is empty/],
  ...Object.entries({ sort, softmax, logSoftmax, argmin, std, median, any, ptp, nanMean }).map(
    ([name, op]): Mistake => [
      `an axis that ${name} does not find`,
      () => op(zeros(3), 4),
      new RegExp(`^${name}: axis 4 does not exist`),
    ],
  ),
  [
    'too few batch axes',
    () => vmap((a: Tensor, b: Tensor) => a.add(b), { inAxes: [0] })(zeros(3), zeros(3)),
    /inAxes has 1 entries for 2 arguments/,
  ],
  [
    'an argument differentiated twice',
    () => grad((a: Tensor) => a.sum(), [0, 0])(zeros(3)),
    /argument 0 is named twice/,
  ],
  [
    'pairs of axes of other lengths',
    () => ops.tensorDot(twoByThree, twoByThree, 1),
    /differ in number or length/,
  ],
  ['vectors of the plane', () => ops.cross(zeros(2), zeros(2)), /must have length 3/],
  [
    'signs that mean nothing',
    () => ops.einsum('i+j', zeros(2)),
    /einsum 'i\+j': an equation is made of letters/,
  ],
  ['too few arrays', () => ops.einsum('ij,jk', twoByThree), /the equation names 2 arrays, but 1 were given/],
  ['too few letters', () => ops.einsum('i->i', twoByThree), /'i' does not name the 2 axes of \[2, 3\]/],
  [
    'a letter out of nowhere',
    () => ops.einsum('ij->k', twoByThree),
    /the result names 'k', which no array has/,
  ],
  ['a letter twice in the result', () => ops.einsum('ij->ii', twoByThree), /the result names 'i' twice/],
  [
    'one letter, two lengths',
    () => ops.einsum('ij,jk', twoByThree, twoByThree),
    /'j' is 3 long in one array and 2 in another/,
  ],
  [
    'the diagonal of a rectangle',
    () => ops.einsum('ii', twoByThree),
    /'i' is 2 long in one array and 3 in another/,
  ],

  [
    'a rectangle to solve',
    () => ops.solve(twoByThree, zeros(2)),
    /solve: takes square matrices \[.., n, n\], not \[2, 3\]/,
  ],
  [
    'right sides of another length',
    () => ops.solve(zeros(2, 2), zeros(3)),
    /solve: right sides \[3\] for matrices \[2, 2\]/,
  ],
  ['a wide matrix', () => ops.qr(twoByThree), /qr: takes matrices \[.., m, n\] with m ≥ n, not \[2, 3\]/],
  ['half a power', () => ops.matrixPower(zeros(2, 2), 0.5), /the power is a whole number, not 0.5/],
  [
    'the inverse of integers',
    () => ops.inverse(ops.zeros([2, 2], 'int32')),
    /inverse: takes float32 or float64, not int32/,
  ],
];

it.each(mistakes)('%s', (_what, run, message) => {
  expect(run).toThrow(LockstepError);
  expect(run).toThrow(message);
});

describe('a shape that depends on the data', () => {
  const x = tensor([3, 0, 1]);
  it.each([
    ['compress', (y: Tensor) => ops.compress(y, y.greater(0)), /write where\(mask, x, 0\)/],
    ['nonZero', (y: Tensor) => ops.nonZero(y)[0]!, /where\(x.notEqual\(0\), a, b\)/],
    ['unique', (y: Tensor) => ops.unique(y).values, /sort\(x\) keeps the shape/],
  ] as const)('%s: inside jit and vmap the error names a remedy', (_name, f, remedy) => {
    expect(() => jit(f)(x)).toThrow(remedy);
    expect(() => vmap(f)(ops.stack([x, x]))).toThrow(remedy);
  });
  it('is known while a derivative is taken eagerly', () => {
    expect(grad((y: Tensor) => ops.compress(y, y.greater(0)).square().sum())(x).toArray()).toEqual([6, 0, 2]);
  });
});
