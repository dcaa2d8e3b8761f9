import { binaryOps, type FusedInstruction } from '../kernels.ts';
import { compareCodes, unaryCodes } from '../wasm/codes.ts';

const ops = [
  ...Object.keys(unaryCodes),
  ...binaryOps,
  ...Object.keys(compareCodes),
  'and',
  'or',
  'not',
  'select',
];

/** The operations' numbers in `native/loops.h`. */
export const opCodes = Object.fromEntries(ops.map((op, code) => [op, code])) as Readonly<
  Record<FusedInstruction['op'], number>
>;
