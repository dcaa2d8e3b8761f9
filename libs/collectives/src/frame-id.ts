/** The number in a data frame's header that says which bucket of which exchange of its step the frame belongs to. */
import { invariant } from '@lockstep/errors';

/** No exchange has more buckets. */
export const MAX_BUCKETS = 1024;

export interface BucketIndex {
  /** Index of the exchange in its step. */
  readonly exchange: number;
  /** Index of the bucket in its exchange. */
  readonly bucket: number;
}

/** Ascending in the order in which every rank starts the buckets of a step. */
export function encodeFrameId({ exchange, bucket }: BucketIndex): number {
  invariant(bucket < MAX_BUCKETS, `an exchange has at most ${MAX_BUCKETS} buckets`, { exchange, bucket });
  return exchange * MAX_BUCKETS + bucket;
}

export function decodeFrameId(frameId: number): BucketIndex {
  return { exchange: Math.floor(frameId / MAX_BUCKETS), bucket: frameId % MAX_BUCKETS };
}
