/** The compiler thread, seen from a worker's main thread. */
import { fromWireError, invariant } from '@lockstep/errors';
import type { RunConfig } from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';
import type { StartedThread } from '../threads.ts';
import type { Compiled, Plans, Reply, Request, SearchResult } from './messages.ts';

export interface Compiler {
  /** Rejects with what is wrong with the experiment or its data. */
  load(bundle: Uint8Array, hash: string, config: RunConfig): Promise<Compiled>;
  /** The plans for blocks of the given numbers of shards. */
  plan(sizes: readonly number[]): Promise<Plans>;
  /** Looks for the operation that is not finite. */
  search(step: number, arrays: readonly TypedArray[]): Promise<SearchResult>;
  close(): Promise<void>;
}

type Value = Extract<Reply, { value: unknown }>['value'];

export function createCompiler({ worker: thread, ended }: StartedThread): Compiler {
  let pending: { resolve(value: Value): void; reject(error: unknown): void } | undefined;
  /** Why the thread has ended: it answers no more. The experiment's own code can end it at any time. */
  let failure: Error | undefined;
  const settle = (deliver: (of: NonNullable<typeof pending>) => void): void => {
    const of = pending;
    pending = undefined;
    if (of !== undefined) deliver(of);
  };
  thread.on('message', (reply: Reply) =>
    settle((of) => ('error' in reply ? of.reject(fromWireError(reply.error)) : of.resolve(reply.value))),
  );
  void ended.then((error) => {
    failure = error;
    settle((of) => of.reject(error));
  });
  const ask = (request: Request): Promise<Value> => {
    invariant(pending === undefined, 'the compiler answers one request at a time');
    if (failure !== undefined) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      pending = { resolve, reject };
      thread.postMessage(request);
    });
  };
  return {
    load: (bundle, hash, config) => ask({ type: 'load', bundle, hash, config }) as Promise<Compiled>,
    plan: (sizes) => ask({ type: 'plan', sizes }) as Promise<Plans>,
    search: (step, arrays) => ask({ type: 'search', step, arrays }) as Promise<SearchResult>,
    close: async () => void (await thread.terminate()),
  };
}
