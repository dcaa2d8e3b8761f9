/** Datasets, sampling and sharding of samples. */
export {};
