/** `lockstep predict`: what a trained run gives for the rows of a file. */
import { existsSync } from 'node:fs';
import { LockstepError } from '@lockstep/errors';
import { loadRun, type Prediction } from '@lockstep/inference';
import type { OutputArgs } from '../display/choose.ts';
import type { predictOptions } from '../options.ts';
import { requireRunFolder } from '../run-folder.ts';
import type { ArgsOf, Handler } from './command.ts';

export interface PredictArgs extends ArgsOf<typeof predictOptions>, OutputArgs {
  readonly run: string;
  readonly file: string;
}

export const predict: Handler<PredictArgs> = async ({ run, file, step, json }, { terminal }) => {
  const folder = run.replace(/(?<=.)\/+$/, '');
  await requireRunFolder(folder);
  if (!existsSync(file)) {
    throw new LockstepError('config', `${file} does not exist; give a file of rows to predict`, { file });
  }
  const model = await loadRun(folder, step === undefined ? {} : { step });
  const predictions = await model.predictFile(file);
  const lines = predictions.map((prediction, i) =>
    json ? JSON.stringify({ row: i + 1, ...prediction }) : `${i + 1}\t${shown(prediction)}`,
  );
  terminal.out.write(lines.map((line) => `${line}\n`).join(''));
  return 0;
};

/** The class, then the outputs, between tabs. */
function shown({ output, class: name }: Prediction): string {
  const numbers = [output].flat(Number.POSITIVE_INFINITY as 1) as readonly number[];
  return [...(name === undefined ? [] : [name]), ...numbers.map((value) => value.toPrecision(6))].join('\t');
}
