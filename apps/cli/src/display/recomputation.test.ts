import { expect, it } from 'vitest';
import { recordingStream } from '../fixtures/recording.ts';
import { costText, createRecomputation } from './recomputation.ts';

it('says what is computed, from where, and how long that may take', () => {
  expect(costText(400, 37, 12.3)).toBe('computes 37 steps from the checkpoint of step 400; about 12 s');
  expect(costText(0, 1200, 600.5)).toBe('computes 1,200 steps from the seed; about 10:01');
  expect(costText(0, 2, 0.01)).toBe('computes 2 steps from the seed; about 1 s');
  expect(costText(0, 1, undefined)).toBe('computes 1 step from the seed');
});

it('shows on a terminal how far it is, and removes that', () => {
  const [out, err] = [recordingStream(), recordingStream(true, 60)];
  let now = 1_000;
  const recomputation = createRecomputation({ out, err }, false, () => now);
  recomputation.start(400, 40, undefined);
  for (let step = 401; step <= 420; step++) {
    now += 50;
    recomputation.step(step);
  }
  recomputation.end();
  recomputation.end();
  expect(out.text()).toBe('');
  const [said, ...drawn] = err.text().split('\r\x1b[2K');
  expect(said).toBe('lockstep: computes 40 steps from the checkpoint of step 400\n');
  expect(drawn).toHaveLength(11);
  expect(drawn[0]).toBe('  step 401/440 ▕▌                   ▏  0:02 left');
  expect(drawn.at(-2)).toBe('  step 419/440 ▕█████████▌          ▏  0:02 left');
  expect(drawn.at(-1)).toBe('');
});

it('is silent in a pipe and for a single step, and prints an object with json', () => {
  const [out, err] = [recordingStream(), recordingStream()];
  const people = createRecomputation({ out, err }, false);
  people.start(5, 1, 3);
  people.step(6);
  people.end();
  expect(err.text()).toBe('');
  const json = createRecomputation({ out, err }, true);
  json.start(5, 1, 3);
  json.step(6);
  json.end();
  expect(out.text()).toBe('{"event":"cost","from":5,"steps":1,"seconds":3}\n');
});
