/** Parameters that an experiment declares, so that a command line, a record and a sweep can set them by name. */
import { boolean, choice, integer, number, text } from './declaration.ts';

export { checkDeclarations } from './check.ts';
export type {
  BooleanParam,
  ChoiceParam,
  Declarations,
  HelpOption,
  IntegerParam,
  NumberParam,
  Param,
  ParamValue,
  RangeOptions,
  TextParam,
  ValueOf,
  ValuesOf,
} from './declaration.ts';
export { expectedOf, isValueOf, type ParamValues, parseAssignments, resolveParams } from './resolve.ts';

/** Declares a parameter by its type and default: `{ rate: param.number(1e-3, { min: 0 }) }`. */
export const param = { number, integer, boolean, text, choice } as const;
