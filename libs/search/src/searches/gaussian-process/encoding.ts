/** Assignments as inputs of a process. */
import type { ParamValue } from '@lockstep/params';
import { type Assignment, assignmentBy, type Dimension, existsIn } from '../../space/assignment.ts';
import { axisOf, type FixedAxis, type NumericAxis, type OptionsAxis } from '../../space/axis.ts';

/** The input of a numeric parameter that does not exist, and the option of one of options. */
const absent = { numeric: 0.5, options: -1 } as const;

/** A parameter as one dimension of inputs: from 0 to 1 over its range, or the index of its option. */
export interface InputAxis {
  readonly dimension: Dimension;
  readonly axis: NumericAxis | OptionsAxis;
}

export interface Encoding {
  readonly axes: readonly InputAxis[];
  readonly isOptions: readonly boolean[];
  encode(assignment: Assignment): Float64Array;
  /** The assignment nearest to an input: numbers are rounded to values of their domain. */
  decode(input: Float64Array): Assignment;
}

export function encodingOf(dimensions: readonly Dimension[]): Encoding {
  const all = dimensions.map((dimension) => ({ dimension, axis: axisOf(dimension.domain) }));
  const axes = all.filter((one): one is InputAxis => one.axis.kind !== 'fixed');
  const places = new Map(axes.map(({ dimension }, i) => [dimension, i]));
  const fixed = new Map(
    all.flatMap(({ dimension, axis }) => (axis.kind === 'fixed' ? [[dimension, axis] as const] : [])),
  );
  return {
    axes,
    isOptions: axes.map(({ axis }) => axis.kind === 'options'),
    encode: (assignment) => Float64Array.from(axes, (one) => encodeOne(one, assignment)),
    decode: (input) =>
      assignmentBy(dimensions, (dimension) => {
        const place = places.get(dimension);
        return place === undefined
          ? (fixed.get(dimension) as FixedAxis).value
          : decodeOne(axes[place]!, input[place]!);
      }),
  };
}

function encodeOne({ dimension, axis }: InputAxis, assignment: Assignment): number {
  if (!existsIn(dimension, assignment)) return absent[axis.kind];
  const value = assignment[dimension.name]!;
  if (axis.kind === 'options') return axis.options.indexOf(value);
  return (axis.toCoordinate(value) - axis.low) / (axis.high - axis.low);
}

function decodeOne({ axis }: InputAxis, x: number): ParamValue {
  if (axis.kind === 'options') return axis.options[Math.max(0, x)]!;
  return axis.toValue(axis.low + x * (axis.high - axis.low));
}
