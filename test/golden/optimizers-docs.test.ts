/** The code of docs/optimizers.md runs with the stated results. */
import * as autodiff from '@lockstep/autodiff';
import * as data from '@lockstep/data';
import * as nn from '@lockstep/nn';
import * as optim from '@lockstep/optim';
import * as training from '@lockstep/training';
import { describe, expect, it } from 'vitest';
import { blocksOf, execute, importsOf, readText } from './documentation.ts';

const page = readText('../../docs/optimizers.md');
const published = readText('../../libs/lockstep/src/index.ts');
const known = { ...data, ...nn, ...optim, ...training, ...autodiff };
const blocks = blocksOf(page, 'ts');

/** Exports of the package that the examples import: all of autodiff and the listed names. */
const isPublished = (name: string): boolean =>
  name in autodiff || new RegExp(`\\b${name}\\b`).test(published);

describe('docs/optimizers.md', () => {
  it('has code', () => expect(blocks.length).toBeGreaterThanOrEqual(7));

  it.each(blocks.map((code, i) => [i, code] as const))(
    'block %i imports what is published, and runs',
    (_, code) => {
      expect.assertions(1 + (code.match(/\/\/ → /g) ?? []).length);
      expect(importsOf(code).filter((name) => !isPublished(name))).toEqual([]);
      execute(code, known);
    },
  );

  it('trains its experiment', async () => {
    const experiment = execute(blocks[0]!, known) as training.Experiment;
    const dataset = await experiment.data.load();
    const { history } = training.trainLocally({
      experiment,
      dataset,
      config: training.resolveConfig(experiment),
    });
    expect(history.at(-1)!.loss!).toBeLessThan(history[0]!.loss! / 2);
  });

  it('names every optimizer, schedule, link and wrapper there is', () => {
    const unnamed = Object.keys(optim).filter((name) => !new RegExp(`\\b${name}\\b`).test(page));
    // The neutral element of chain is for those who write optimizers, the other for the trainer.
    expect(unnamed.sort()).toEqual(['identity', 'skipsNonFinite']);
  });
});
