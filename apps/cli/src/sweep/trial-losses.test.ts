import type { Update } from '@lockstep/coordinator';
import type { LossReason, RunEvent } from '@lockstep/protocol';
import { expect, it } from 'vitest';
import { countLosses } from './trial-losses.ts';

/** A run whose workers come and go as a test says. */
function scripted() {
  let numWorkers = 0;
  let listener: (update: Update) => void = () => undefined;
  const errors: string[] = [];
  const count = countLosses({
    onUpdate(added) {
      listener = added;
      return () => undefined;
    },
    numWorkers: () => numWorkers,
    fail: ({ message }) => errors.push(message),
  });
  const tell = (event: Partial<RunEvent>): void => listener({ type: 'event', event: event as RunEvent });
  return {
    count,
    errors,
    join(workers = 1): void {
      numWorkers += workers;
      tell({ type: 'joined', worker: 'w' });
    },
    lose(workers = 1, reason: LossReason = 'disconnected'): void {
      numWorkers -= workers;
      for (let i = 0; i < workers; i++) tell({ type: 'lost', worker: 'w', reason });
    },
    save: () => listener({ type: 'checkpoint', step: 5 }),
  };
}

it('ends a run that has lost its last worker three times', () => {
  const run = scripted();
  for (let i = 0; i < 3; i++) {
    expect(run.count.reason).toBeUndefined();
    run.join(2);
    run.lose(2);
  }
  expect(run.errors).toEqual([
    'it has lost its workers 3 times without a new checkpoint; does its model fit into their memory?',
  ]);
  expect(run.count.reason).toBe(run.errors[0]);
});

it('counts from the newest checkpoint, and neither workers that leave nor those that leave others behind', () => {
  const run = scripted();
  for (let i = 0; i < 9; i++) {
    run.join();
    if (i % 2 === 1) run.save();
    run.lose();
  }
  for (let i = 0; i < 9; i++) {
    run.join();
    run.lose(1, 'left');
  }
  run.join();
  for (let i = 0; i < 9; i++) {
    run.join();
    run.lose();
  }
  expect(run.count.reason).toBeUndefined();
});
