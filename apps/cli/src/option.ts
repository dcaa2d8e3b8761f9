/** Options and positional arguments: their texts in help, and how a given text is read. */
import { LockstepError, nearNames } from '@lockstep/errors';
import type { Options } from 'yargs';
import { quoted } from './display/format.ts';

export interface Option<Value = unknown> {
  readonly describe: string;
  /** The kind of value that help and completion show. */
  readonly type: 'boolean' | 'number' | 'string';
  readonly choices?: readonly string[];
  /** The value of an option that was not given. */
  readonly default?: Value;
  /** The command line is refused without it. */
  readonly isRequired?: true;
  /** `--name` without a value is read as the empty text. */
  readonly mayBeBare?: true;
  /** The rest of the command line, in a list: the last positional argument alone. */
  readonly isList?: true;
  /** Set for options that cannot be given when a run is resumed: the reason. */
  readonly fixed?: string;
  /**
   * Reads what yargs found: text, an array for a repeated option, false for `--no-name`, or the default. `label` names
   * the option in messages. Throws `config` for values that do not fit. Absent for a boolean, which yargs reads.
   */
  read?(given: unknown, label: string): Value;
}

export type OptionTable = Readonly<Record<string, Option>>;

type Camel<Name> = Name extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Name;

type ValueOf<One> =
  One extends Option<infer Value>
    ? One extends { readonly default: unknown } | { readonly isRequired: true }
      ? Value
      : Value | undefined
    : never;

/** What a command gets from a table of options: names in camelCase, undefined for an option that was not given. */
export type ArgsOf<Table extends OptionTable> = {
  readonly [Name in keyof Table as Camel<Name>]: ValueOf<Table[Name]>;
};

/** The fields of an option that do not follow from the kind of its value. */
type About<Value> = Pick<Option<Value>, 'describe' | 'default' | 'isRequired' | 'mayBeBare' | 'fixed'>;

/** One whole number. yargs hands it over as text, so that a message can quote what was given. */
export function wholeNumber<A extends About<number>>(least: number, about: A) {
  const read = (given: unknown, label: string): number => {
    const number = numberOf(given);
    if (isWhole(number, least)) return number;
    const most = number > Number.MAX_SAFE_INTEGER ? ` and at most ${Number.MAX_SAFE_INTEGER}` : '';
    throw mistake(label, `one whole number of at least ${least}${most}`, given);
  };
  return { ...about, type: 'number', read } as const;
}

/** One whole number, or a word in its place. */
export function wholeNumberOr<const Word extends string, A extends About<number | Word>>(
  least: number,
  word: Word,
  about: A,
) {
  const read = (given: unknown, label: string): number | Word => {
    const number = numberOf(given);
    if (given === word || isWhole(number, least)) return given === word ? word : number;
    throw mistake(label, `one whole number of at least ${least}, or ${word}`, given);
  };
  return { ...about, type: 'string', read } as const;
}

/** One number from `least` to `most`. */
export function numberBetween<A extends About<number>>(least: number, most: number, about: A) {
  const read = (given: unknown, label: string): number => {
    const number = numberOf(given);
    if (number >= least && number <= most) return number;
    throw mistake(label, `one number from ${least} to ${most}`, given);
  };
  return { ...about, type: 'number', read } as const;
}

/** NaN for anything but a number or its text. */
function numberOf(given: unknown): number {
  if (typeof given === 'number') return given;
  return typeof given === 'string' && given.trim() !== '' ? Number(given) : Number.NaN;
}

const isWhole = (number: number, least: number): boolean => Number.isSafeInteger(number) && number >= least;

/** One piece of text, which is not empty unless the option may be bare. */
export function text<A extends About<string>>(about: A) {
  const read = (given: unknown, label: string): string => {
    if (typeof given === 'string' && (given !== '' || about.mayBeBare === true)) return given;
    throw mistake(label, 'one value', given);
  };
  return { ...about, type: 'string', read } as const;
}

/** Texts of an option that may be given several times. */
export function texts<A extends About<readonly string[]>>(about: A) {
  return { ...about, type: 'string', default: [] as readonly string[], read: readTexts } as const;
}

/** The remaining words of a command line, as its last positional argument. */
export function words<A extends Pick<About<readonly string[]>, 'describe' | 'isRequired'>>(about: A) {
  return { ...about, type: 'string', isList: true, read: readTexts } as const;
}

function readTexts(given: unknown, label: string): readonly string[] {
  return [given].flat().map((item) => {
    if (typeof item === 'string' && item !== '') return item;
    throw mistake(label, 'a value', item);
  });
}

/** One of some names. */
export function choice<Name extends string, A extends About<NoInfer<Name>>>(
  choices: readonly Name[],
  about: A,
) {
  const read = (given: unknown, label: string): Name => {
    const found = choices.find((one) => one === given);
    if (found !== undefined) return found;
    const near = typeof given === 'string' ? nearNames(given, choices, 2) : [];
    const hint = near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
    throw mistake(label, `one of ${choices.join(', ')}`, given, hint);
  };
  return { ...about, type: 'string', choices, read } as const;
}

/** Yes or no: `--name`, `--no-name`. */
export function flag(describe: string, about: Pick<About<boolean>, 'fixed'> = {}) {
  return { ...about, describe, type: 'boolean', default: false as boolean } as const;
}

function mistake(label: string, rule: string, given: unknown, hint = ''): LockstepError {
  const shown = Array.isArray(given) ? `several values (${given.map(quoted).join(', ')})` : quoted(given);
  return new LockstepError('config', `${label} must be ${rule}, not ${shown}${hint}`, { label, given });
}

/** The option as yargs takes it. */
export function yargsOption(label: string, option: Option) {
  const { describe, type, choices, isRequired, mayBeBare, read } = option;
  return {
    describe,
    // A number is shown as a number and parsed as the text that it is. Of choices help shows the list alone.
    ...(type === 'number' ? { number: true, string: true } : choices === undefined ? { type } : { choices }),
    ...(option.default !== undefined && { default: option.default }),
    ...(isRequired && { demandOption: true }),
    ...(type !== 'boolean' && mayBeBare !== true && { requiresArg: true }),
    ...(read && { coerce: (given: unknown) => read(given, label) }),
  } as const satisfies Options;
}
