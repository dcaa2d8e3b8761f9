/** Samples in the form in which people know them: images, rows of a table, text. */
import type { NestedNumbers, Tensor } from '@lockstep/autodiff';
import { type DatasetForm, type Feature, widthOf } from '@lockstep/data';

/** What a sample is to be told as. `pixels` are as the model gets them, row by row; `text` is followed by `next`. */
export type SampleContent =
  | {
      readonly kind: 'image';
      readonly shape: readonly [h: number, w: number, c: number];
      readonly pixels: readonly number[];
    }
  | { readonly kind: 'row'; readonly values: Readonly<Record<string, number | string>> }
  | { readonly kind: 'text'; readonly text: string; readonly next: string }
  | { readonly kind: 'numbers'; readonly x: NestedNumbers };

export interface SampleView {
  readonly content: SampleContent;
  /** The name of the class, the number, or the numbers to predict. Absent where the data have no `y`, and for text. */
  readonly label?: string | NestedNumbers;
}

type Columns = Readonly<Record<string, Tensor>>;

/** One sample of some columns [samples, ..]. */
export function viewSample(form: DatasetForm, columns: Columns, place: number): SampleView {
  const own = Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [name, rowAt(column, place)]),
  );
  const content = contentOf(form, own);
  const { y } = own;
  if (y === undefined || content.kind === 'text') return { content };
  return { content, label: labelOf(form, y) };
}

/** The elements of one sample, and their shape. */
interface Row {
  readonly values: readonly number[];
  readonly shape: readonly number[];
  readonly isInteger: boolean;
}

function rowAt({ data, dtype, shape: [, ...shape] }: Tensor, place: number): Row {
  const size = shape.reduce((product, length) => product * length, 1);
  const values = Array.from(data.subarray(place * size, (place + 1) * size));
  return { values, shape, isInteger: dtype === 'int32' };
}

function contentOf(form: DatasetForm, own: Readonly<Record<string, Row>>): SampleContent {
  const { x = { values: [], shape: [], isInteger: false }, y, categories } = own;
  const { classes, format } = form;
  const [h, w, c] = x.shape;
  if (format !== undefined) return { kind: 'row', values: cellsOf(format.features, x, categories) };
  if (classes !== undefined && isText(x, y)) {
    const [text, next] = [x, y!].map(({ values }) =>
      values.map((token) => classes[token] ?? '\ufffd').join(''),
    );
    return { kind: 'text', text: text!, next: next! };
  }
  if (x.shape.length === 3 && !x.isInteger && (c === 1 || c === 3)) {
    return { kind: 'image', shape: [h!, w!, c], pixels: x.values };
  }
  return { kind: 'numbers', x: nested(x.values, x.shape) };
}

/** Whether classes are an alphabet: labels then have the shape of the tokens, which they follow. */
const isText = (x: Row, y: Row | undefined): boolean =>
  x.isInteger && x.shape.length === 1 && y?.isInteger === true && y.shape.join() === x.shape.join();

/** The cells of a table's row by column, before they were standardized. */
function cellsOf(
  features: readonly Feature[],
  x: Row,
  categories: Row | undefined,
): Readonly<Record<string, number | string>> {
  // Where all features are indices, they are `x` itself.
  const places = categories ?? x;
  const cells: [string, number | string][] = [];
  let [at, place] = [0, 0];
  for (const feature of features) {
    const { kind, column } = feature;
    if (kind === 'number') cells.push([column, x.values[at]! * feature.divisor + feature.mean]);
    else {
      const { levels } = feature;
      const level =
        kind === 'index' ? places.values[place++]! : x.values.slice(at, at + levels.length).indexOf(1);
      cells.push([column, levels[level] ?? '']);
    }
    at += widthOf(feature);
  }
  return Object.fromEntries(cells);
}

function labelOf({ classes }: DatasetForm, { values, shape, isInteger }: Row): string | NestedNumbers {
  const [only] = values;
  const name = isInteger && shape.length === 0 ? classes?.[only!] : undefined;
  return name ?? nested(values, shape);
}

function nested(values: readonly number[], [length, ...inner]: readonly number[]): NestedNumbers {
  if (length === undefined) return values[0]!;
  const size = values.length / Math.max(1, length);
  return Array.from({ length }, (_, i) => nested(values.slice(i * size, (i + 1) * size), inner));
}
