/** `lockstep explain`: what a step of an experiment computes, equation by equation, and what it costs. */
import { createSchedule, placed, placedLater } from '@lockstep/run';
import { compilePrograms, definitionOf, describePrograms, resolveConfig } from '@lockstep/training';
import type { OutputArgs } from '../display/choose.ts';
import { programsText } from '../display/programs.ts';
import { loadExperiment } from '../experiment-file.ts';
import type { explainOptions } from '../options.ts';
import type { ArgsOf, Handler } from './command.ts';

export interface ExplainArgs extends ArgsOf<typeof explainOptions>, OutputArgs {
  readonly experiment: string;
}

export const explain: Handler<ExplainArgs> = async (args, { terminal }) => {
  const { experiment, name, bundle, hash, project } = await loadExperiment(args.experiment);
  const config = resolveConfig(experiment, args);
  const source = { bundle, hash, root: project.root };
  const dataset = await placedLater(
    () => source,
    () => experiment.data.load({ limitSamples: config.limitSamples ?? undefined }),
  );
  const { train, validation } = dataset.splits;
  const { totalSteps } = createSchedule(config, train.size, validation !== undefined);
  const description = placed(
    source,
    () => definitionOf(experiment),
    () => {
      const programs = compilePrograms(experiment, dataset, config, totalSteps);
      return describePrograms(programs, config.numShards);
    },
  );
  if (args.json) {
    for (const program of ['shard', 'update'] as const)
      terminal.out.write(`${JSON.stringify({ experiment: name, program, ...description[program] })}\n`);
  } else {
    terminal.out.write(programsText(description));
  }
  return 0;
};
