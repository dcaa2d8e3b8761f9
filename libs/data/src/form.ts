/** The form of a dataset without its rows. It is saved with a trained model, so that new rows can be prepared. */
import type { DType, Shape } from '@lockstep/tensor';
import type { Dataset } from './dataset.ts';
import type { TableFormat } from './table/format.ts';

export interface FieldForm {
  /** The shape of one sample. */
  readonly shape: Shape;
  readonly dtype: DType;
  /** `scale` and `offset` as in {@link Field}: a raw element's value is `fround(fround(raw × scale) + offset)`. */
  readonly scale?: number;
  readonly offset?: number;
}

/** Plain data. */
export interface DatasetForm {
  readonly name: string;
  readonly fields: Readonly<Record<string, FieldForm>>;
  readonly classes?: readonly string[];
  readonly format?: TableFormat;
}

export function formOfDataset({ name, splits, classes, format }: Dataset): DatasetForm {
  const fields = Object.entries(splits.train.fields).map(([key, { shape, dtype, scale, offset }]) => [
    key,
    { shape, dtype, ...(scale !== undefined && { scale }), ...(offset !== undefined && { offset }) },
  ]);
  return {
    name,
    fields: Object.fromEntries(fields),
    ...(classes !== undefined && { classes }),
    ...(format !== undefined && { format }),
  };
}
