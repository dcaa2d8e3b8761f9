import { expect, it } from 'vitest';
import { createJobQueue } from './job-queue.ts';

/** A queue, what its jobs have done, and the errors that it has reported. */
function queueOf() {
  const done: string[] = [];
  const errors: unknown[] = [];
  const queue = createJobQueue((error) => errors.push(error));
  const add = (name: string, job: () => Promise<void> | void = () => undefined): void =>
    queue.add(async () => {
      await job();
      done.push(name);
    });
  /** Resolves when all jobs so far have ended. */
  const ended = (): Promise<void> => new Promise((resolve) => queue.add(resolve));
  return { queue, done, errors, add, ended };
}

const failing = (message: string) => () => Promise.reject(new Error(message));

it('runs jobs one after the other, however long each takes', async () => {
  const { add, done, ended } = queueOf();
  add('slow', () => new Promise((resolve) => setImmediate(resolve)));
  add('quick');
  await ended();
  expect(done).toEqual(['slow', 'quick']);
});

it('drops the jobs that were added before a failure, and runs those added after it', async () => {
  const { add, done, errors, ended } = queueOf();
  let failed = (): void => {};
  const hasFailed = new Promise<void>((resolve) => {
    failed = resolve;
  });
  add('first');
  add('broken', () => {
    failed();
    return failing('no memory is left')();
  });
  add('behind it');
  await hasFailed;
  await new Promise(setImmediate);
  expect([done, errors]).toEqual([['first'], [new Error('no memory is left')]]);
  add('later');
  await ended();
  expect(done).toEqual(['first', 'later']);
  expect(errors).toHaveLength(1);
});

it('when closed, waits for the job that runs, drops the others, and reports no error of it', async () => {
  const { queue, add, done, errors } = queueOf();
  let end = (_error: Error): void => {};
  const running = new Promise<void>((_resolve, reject) => {
    end = reject;
  });
  let begun = (): void => {};
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  add('running', () => {
    begun();
    return running;
  });
  add('waiting');
  await hasBegun;
  let isClosed = false;
  const closed = queue.close().then(() => {
    isClosed = true;
  });
  await new Promise(setImmediate);
  expect(isClosed).toBe(false);
  end(new Error('its thread has ended'));
  await closed;
  expect([done, errors]).toEqual([[], []]);
});
