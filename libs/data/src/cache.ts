/** Keeps loaded datasets for the next run of the same process. */
import { stat } from 'node:fs/promises';
import { sizeOf } from '@lockstep/tensor';
import { type DataSource, type Dataset, shareable } from './dataset.ts';
import { locateFile } from './files.ts';

/** How many bytes of samples are kept. A dataset that is larger is kept until the next one is loaded. */
const DEFAULT_BYTES = 1 << 30;

export interface DatasetCache {
  /** The samples of a source in shared memory. Rejects with what the source throws; a failure is not kept. */
  load(source: DataSource, limitSamples: number | null): Promise<Dataset>;
}

interface Kept {
  /** The identity of the source, or the source itself. */
  readonly key: string | DataSource;
  readonly limitSamples: number | null;
  readonly dataset: Dataset;
  readonly bytes: number;
}

/** Datasets are dropped in the order in which they were last used. */
export function createDatasetCache(maxBytes: number = DEFAULT_BYTES): DatasetCache {
  let kept: readonly Kept[] = [];
  const total = (): number => kept.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    async load(source, limitSamples) {
      // Before the files are read: if they are replaced meanwhile, the next run reads them again.
      const key = (await source.identity?.()) ?? source;
      const isSame = (one: Kept): boolean => one.key === key && one.limitSamples === limitSamples;
      const found = kept.find(isSame);
      const used = found ?? (await loadNew(source, key, limitSamples));
      kept = [...kept.filter((one) => !isSame(one)), used];
      while (kept.length > 1 && total() > maxBytes) kept = kept.slice(1);
      return used.dataset;
    },
  };
}

async function loadNew(source: DataSource, key: Kept['key'], limitSamples: number | null): Promise<Kept> {
  const dataset = shareable(await source.load(limitSamples === null ? {} : { limitSamples }));
  return { key, limitSamples, dataset, bytes: bytesOf(dataset) };
}

function bytesOf({ splits }: Dataset): number {
  const fields = Object.values(splits).flatMap(({ size, fields }) =>
    Object.values(fields).map(({ shape, storage }) => size * sizeOf(shape) * storage.BYTES_PER_ELEMENT),
  );
  return fields.reduce((sum, bytes) => sum + bytes, 0);
}

/** The identity of a source of a kind with plain options, which reads the given files. */
export async function identityOf(
  kind: string,
  options: unknown,
  paths: readonly string[] = [],
): Promise<string> {
  const files = await Promise.all(
    paths.map(locateFile).map(async (path) => {
      // A file that is missing is reported when it is loaded.
      const found = await stat(path, { bigint: true }).catch(() => undefined);
      return [path, `${found?.ino}`, `${found?.size}`, `${found?.mtimeNs}`];
    }),
  );
  return JSON.stringify([kind, options, files]);
}
