/** Columns of a table while it is read. They grow row by row and store numbers, not text. */
import { growable } from './growable.ts';
import { cellError, type Place, type TableSyntax } from './rows.ts';

/** A column of numbers as the file has them, in float64. A missing value is NaN. */
export interface NumberColumn {
  readonly kind: 'number';
  readonly name: string;
  readonly values: Float64Array;
  /** The first number that is written without point and exponent and that float32 cannot represent. */
  readonly rounded: number | undefined;
}

/**
 * A column of words: `ids[row]` is the index of the row's word in `words`, which are in the order of first appearance.
 */
export interface WordColumn {
  readonly kind: 'words';
  readonly name: string;
  readonly ids: Int32Array;
  readonly words: readonly string[];
}

export type Column = NumberColumn | WordColumn;

export interface ColumnReader {
  readonly name: string;
  add(text: string, place: Place): void;
  finish(): Column;
}

/** Numbers in decimal notation. Other notations of JavaScript, such as 0x10, are words here. */
const decimalNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

export function isNumber(text: string): boolean {
  return decimalNumber.test(text);
}

/** Whether a cell is a missing value. Numbers in `naValues` are compared as numbers: -999 matches -999.0 too. */
export function isMissing(text: string, { naValues, decimal }: TableSyntax): boolean {
  return text === '' || naValues.some((one) => one === text || areEqualNumbers(one, text, decimal));
}

function areEqualNumbers(a: string, b: string, decimal: Decimal): boolean {
  const [first, second] = [withPoint(a, decimal), withPoint(b, decimal)];
  return isNumber(first) && isNumber(second) && Number(first) === Number(second);
}

export function readNumbers(name: string, syntax: TableSyntax): ColumnReader {
  const values = growable((length) => new Float64Array(length));
  let rounded: number | undefined;
  return {
    name,
    add(text, place) {
      const value = isMissing(text, syntax) ? Number.NaN : numberOf(text, syntax, place, name);
      if (Math.abs(value) > 2 ** 24 && Math.fround(value) !== value && /^[+-]?\d+$/.test(text))
        rounded ??= value;
      values.push(value);
    },
    finish: () => ({ kind: 'number', name, values: values.finish(), rounded }),
  };
}

type Decimal = TableSyntax['decimal'];

/** Replaces the decimal sign by a point. A text that is no number with this decimal sign stays no number. */
function withPoint(text: string, decimal: Decimal): string {
  if (decimal === '.') return text;
  return text.includes('.') ? '' : text.replace(',', '.');
}

/** A number as a cell of the file would show it. */
export const writeNumber = (value: number, decimal: Decimal): string => String(value).replace('.', decimal);

function numberOf(text: string, { decimal }: TableSyntax, place: Place, name: string): number {
  const plain = withPoint(text, decimal);
  if (isNumber(plain)) {
    const value = Number(plain);
    if (Number.isFinite(Math.fround(value))) return value;
  }
  throw cellError(place, name, `'${text}' is not a float32 number; ${remedyFor(text, decimal)}`);
}

/** The remedy for a cell that is no number, by what the cell looks like. */
function remedyFor(text: string, decimal: Decimal): string {
  if (decimal === ',' && isNumber(text)) return "the decimal sign of this table is ','";
  if (isNumber(text) && !Number.isFinite(Math.fround(Number(text))))
    return 'it is too large: rescale the column, or take its logarithms';
  if (/^[+-]?\d{1,3}([., _']\d{3})+([.,]\d+)?$/.test(text) && !/^[+-]?\d+,\d+$/.test(text))
    return 'write numbers without separators of thousands';
  if (/^[+-]?\d+,\d+$/.test(text)) return "for numbers with a decimal comma give decimal: ','";
  if (/^(na|n\/a|nan|null|none|nil|\?|-|\.|inf(inity)?)$/i.test(text)) {
    return `if it stands for a missing value, name it in naValues: ['${text}']`;
  }
  return "name a column of words in 'categories', leave it out of 'features', or use labelKind 'class' if it is the label";
}

export function readWords(name: string, syntax: TableSyntax): ColumnReader {
  const ids = growable((length) => new Int32Array(length));
  const places = new Map<string, number>();
  return {
    name,
    add(text) {
      const word = isMissing(text, syntax) ? '' : text;
      let id = places.get(word);
      if (id === undefined) {
        id = places.size;
        places.set(word, id);
      }
      ids.push(id);
    },
    finish: () => ({ kind: 'words', name, ids: ids.finish(), words: [...places.keys()] }),
  };
}

/**
 * The distinct levels of words, and the level of each word. If all words are numbers, words of equal value are one
 * level (1, 1.0 and 01), and levels are in numeric order; otherwise they are in the order of code units. Whole numbers
 * beyond 2⁵³ are compared as text, because JavaScript cannot distinguish them as numbers.
 */
export function levelsOf(
  words: readonly string[],
  decimal: Decimal,
): { readonly levels: readonly string[]; levelOf: number[] } {
  const areNumbers = words.every((word) => isLevelNumber(word, decimal));
  const levelName = levelNames(words, decimal);
  const size = (word: string): number =>
    word === '' ? Number.NEGATIVE_INFINITY : Number(withPoint(word, decimal));
  const levels = [...new Set(words.map(levelName))].sort(
    areNumbers ? (a, b) => size(a) - size(b) : undefined,
  );
  const places = new Map(levels.map((level, place) => [level, place]));
  return { levels, levelOf: words.map((word) => places.get(levelName(word))!) };
}

/** A function from a word to the name of its level. Words are compared as numbers if all `known` words are numbers. */
export function levelNames(known: readonly string[], decimal: Decimal): (word: string) => string {
  const areNumbers = known.every((word) => isLevelNumber(word, decimal));
  return (word) => {
    if (!areNumbers || word === '' || !isLevelNumber(word, decimal)) return word;
    const value = Number(withPoint(word, decimal));
    return writeNumber(value === 0 ? 0 : value, decimal);
  };
}

/** Whether a word is a number or missing. A missing value does not prevent the comparison as numbers. */
function isLevelNumber(word: string, decimal: Decimal): boolean {
  const plain = withPoint(word, decimal);
  return word === '' || (isNumber(plain) && Math.abs(Number(plain)) <= Number.MAX_SAFE_INTEGER);
}
