/** Datasets, sampling and sharding of samples. */
export type { ArrayOptions, Column, NestedNumbers } from './arrays.ts';
export { fromArrays } from './arrays.ts';
export { fillBatch } from './batch.ts';
export type { CsvOptions } from './csv.ts';
export { csv } from './csv.ts';
export type { DataSource, Dataset, Field, LoadOptions, Split, SplitName } from './dataset.ts';
export { createDataset, shareable } from './dataset.ts';
export { parseIdx } from './idx.ts';
export type { ImageOptions } from './images.ts';
export { fashionMnist, mnist } from './images.ts';
export type { NpzOptions } from './npz.ts';
export { npz } from './npz.ts';
export type { ShardSamples, StepSamples, StepSpec } from './sampling.ts';
export { evaluationSamples, rowsPerShard, stepSamples, stepsPerEpoch } from './sampling.ts';
export type { SplitFractions } from './split.ts';
export type { TextOptions } from './text.ts';
export { mobyDick, text } from './text.ts';
