/** The jobs of a run, most of them for the compute threads: one after the other, in the order in which effects ask for them. */

export interface JobQueue {
  /**
   * Runs a job behind those before it. A job is dropped if one of those fails: it would find their work undone. What is added
   * after the failure runs again.
   */
  add(job: () => Promise<void> | void): void;
  /** Drops the jobs that have not begun and the errors of the one that runs. Resolves when that one has ended. */
  close(): Promise<void>;
}

export function createJobQueue(onError: (error: unknown) => void): JobQueue {
  let last: Promise<void> = Promise.resolve();
  let numFailures = 0;
  let isClosed = false;
  return {
    add(job) {
      const numBefore = numFailures;
      last = last
        .then(() => (numFailures === numBefore && !isClosed ? job() : undefined))
        .catch((error: unknown) => {
          numFailures++;
          if (!isClosed) onError(error);
        });
    },
    close() {
      isClosed = true;
      return last;
    },
  };
}
