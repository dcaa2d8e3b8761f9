import { flatten, sequential } from '@lockstep/nn';
import { sgd } from '@lockstep/optim';
import { afterEvaluation, createSchedule, initialProgress } from '@lockstep/run';
import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import { resolveConfig } from './resolve-config.ts';

const base = {
  data: { load: () => ({}) } as never,
  optimizer: sgd(0.1),
  init: () => ({}),
  loss: () => ({}) as never,
};

describe('defineExperiment and resolveConfig', () => {
  it('explain what is wrong', () => {
    expect(() => defineExperiment({ ...base, batch: { size: 0 } })).toThrow(
      /batch.size must be a whole number of at least 1, not 0/,
    );
    expect(() => defineExperiment({ ...base, batch: { size: 8, shards: 6 } })).toThrow(
      /power of two.*not 6.*use 8/,
    );
    const experiment = defineExperiment({ ...base, batch: { size: 8 } });
    expect(() => resolveConfig(experiment, { seed: -1 })).toThrow(/seed/);
    expect(() => resolveConfig(experiment, { limitSamples: 0 })).toThrow(/limitSamples/);
  });

  it.each([
    [{ init: undefined }, /init function that makes the parameters$/],
    [{ model: sequential(flatten) }, /a model \(layers\) or an init .*, not both/],
    [
      { optimiser: base.optimizer },
      /unknown field 'optimiser'; did you mean 'optimizer'\? fields are .*, model, name, onNonFinite, optimizer, penalty/,
    ],
    [
      { optimizer: sgd },
      /optimizer must be an optimizer such as adam\(1e-3\), not a function; is a call missing/,
    ],
    [{ data: 'points.csv' }, /data must be a data source such as .*, not points.csv$/],
    [{ loss: undefined }, /loss must be a function .*, and is missing$/],
    [{ init: undefined, model: [flatten] }, /model must be a layer such as sequential\(.*, not a list$/],
    [{ metrics: ['accuracy'] }, /metrics must be an object of functions .*, not a list$/],
    [{ batch: 8 }, /batch must be an object such as .*, not 8$/],
    [
      { earlyStopping: { metric: 'val_loss', patience: 1 }, metrics: { accuracy: () => 1 } },
      /earlyStopping watches val_loss; evaluations give validation\/loss, validation\/accuracy$/,
    ],
    [{ seed: 0.5 }, /seed must be a whole number of at least 0, not 0.5$/],
    [{ epochs: 0 }, /epochs must be a whole number of at least 1, not 0$/],
  ])('name the field of %j', (fields, message) => {
    const given = Object.entries({ ...base, batch: { size: 8 }, ...fields });
    const experiment = Object.fromEntries(given.filter(([, value]) => value !== undefined));
    expect(() => defineExperiment(experiment as never)).toThrow(message);
  });

  it('let the command line override the experiment', () => {
    const experiment = defineExperiment({ ...base, batch: { size: 8, shards: 4 }, epochs: 3, seed: 7 });
    expect(resolveConfig(experiment)).toMatchObject({
      seed: 7,
      numShards: 4,
      batchSize: 8,
      epochs: 3,
      steps: null,
    });
    expect(resolveConfig(experiment, { steps: 5, shards: 2 })).toMatchObject({
      epochs: null,
      steps: 5,
      numShards: 2,
    });
  });
});

describe('createSchedule', () => {
  const config = {
    ...resolveConfig(defineExperiment({ ...base, batch: { size: 10 } }), { epochs: 2, checkpointEvery: 4 }),
  };

  it('counts the short last batch and evaluates after every epoch', () => {
    const schedule = createSchedule(config, 25, true);
    expect(schedule.totalSteps).toBe(6);
    expect([1, 2, 3, 4].map((step) => schedule.samplesAt(step))).toEqual([10, 10, 5, 10]);
    expect([1, 2, 3, 4, 5, 6].filter((step) => schedule.at(step).evaluate)).toEqual([3, 6]);
    expect([1, 2, 3, 4, 5, 6].filter((step) => schedule.at(step).checkpoint)).toEqual([4, 6]);
    expect(schedule.at(5).last).toBe(false);
    expect(schedule.at(6)).toMatchObject({ last: true, fingerprint: true });
    expect(createSchedule(config, 25, false).at(3).evaluate).toBe(false);
  });

  it('runs for one epoch, or as many steps as asked for', () => {
    expect(createSchedule({ ...config, epochs: null }, 25, false).totalSteps).toBe(3);
    expect(createSchedule({ ...config, epochs: null, steps: 50 }, 25, false).totalSteps).toBe(50);
    expect(createSchedule({ ...config, steps: 4 }, 25, false).totalSteps).toBe(4);
  });

  it('ends before its length, with a checkpoint, where the run is to end there', () => {
    const schedule = createSchedule({ ...config, until: 5 }, 25, true);
    expect(schedule).toMatchObject({ totalSteps: 6, lastStep: 5 });
    expect(schedule.at(5)).toMatchObject({ evaluate: false, checkpoint: true, last: true });
    // The chain is that of a run that goes on.
    expect(schedule.at(5)).toMatchObject({ fingerprint: false, stateHash: false });
    expect(schedule.at(4)).toMatchObject({ checkpoint: true, stateHash: true });
    expect(createSchedule({ ...config, until: 9 }, 25, true).lastStep).toBe(6);
  });

  it('counts epochs from the step at which their length changed', () => {
    // One epoch of three steps, then batches of 5: five steps for each of the other three epochs.
    const changed = { ...config, batchSize: 5, epochs: 4, epochsFrom: { step: 3, epoch: 1 } };
    const schedule = createSchedule(changed, 23, true);
    expect(schedule.totalSteps).toBe(3 + 3 * 5);
    expect([4, 7, 8, 9].map((step) => schedule.samplesAt(step))).toEqual([5, 5, 3, 5]);
    expect([4, 5, 8, 13, 15, 18].filter((step) => schedule.at(step).evaluate)).toEqual([8, 13, 18]);
    expect([3, 4, 8, 18].map((step) => schedule.epochsAfter(step))).toEqual([1, 1.2, 2, 4]);
    expect(createSchedule({ ...changed, epochs: null }, 23, true).totalSteps).toBe(3);
  });
});

describe('afterEvaluation', () => {
  const rule = { metric: 'validation/loss', patience: 2, minDelta: 0.1 };
  const run = (values: readonly number[], mode: 'min' | 'max' = 'min') =>
    values.reduce(
      (progress, value, i) =>
        afterEvaluation(progress, i + 1, { 'validation/loss': value }, { ...rule, mode }),
      initialProgress,
    );

  it('waits for patience evaluations without an improvement of more than minDelta', () => {
    expect(run([1, 0.95]).stopped).toBe(false);
    expect(run([1, 0.95, 0.92]).stopped).toBe(true);
    expect(run([1, 0.95, 0.8, 0.79]).stopped).toBe(false);
    expect(run([0.5, 0.7, 0.9], 'max').stopped).toBe(false);
    expect(run([0.9, 0.9, 0.9], 'max').stopped).toBe(true);
    expect(run([1, Number.NaN, Number.NaN]).stopped).toBe(true);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'continues identically after a join or a resume, even from %d',
    (value) => {
      const before = run([value]);
      const sent = JSON.parse(JSON.stringify(before)) as typeof before;
      const next = (progress: typeof before) => afterEvaluation(progress, 2, { 'validation/loss': 1 }, rule);
      expect(next(sent)).toEqual(next(before));
      expect(next(before)).toMatchObject({ bestMetric: 1, badEvaluations: 0 });
      expect(run([value, value]).stopped).toBe(true);
    },
  );

  it('remembers the best evaluation and its step', () => {
    expect(run([3, 1, 2])).toMatchObject({ bestMetric: 1, bestStep: 2 });
    expect(run([1, 3, 3.05], 'max')).toMatchObject({ bestMetric: 3, bestStep: 2 });
    expect(run([Number.NaN])).toMatchObject({ bestMetric: null, bestStep: 0 });
    const watched = [3, 1, 2, 2, 2].reduce(
      (progress, value, i) => afterEvaluation(progress, i + 1, { 'validation/loss': value }, undefined),
      initialProgress,
    );
    expect(watched).toMatchObject({ bestMetric: 1, bestStep: 2, stopped: false });
  });

  it('counts a repeated evaluation once', () => {
    const once = afterEvaluation(initialProgress, 3, { 'validation/loss': 1 }, rule);
    expect(afterEvaluation(once, 3, { 'validation/loss': 2 }, rule)).toEqual(once);
  });
});
