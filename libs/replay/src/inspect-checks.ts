/** Refuses steps and layers that a run does not have. */
import { LockstepError, nearNames } from '@lockstep/errors';
import { placedIn } from '@lockstep/inference';
import { readRun } from '@lockstep/records';
import { type NamedLayer, namedLayers } from '@lockstep/training';
import type { RecordedRun } from './recorded-run.ts';
import { requireState } from './state.ts';

/** Throws `config` for a step that the run has not computed. */
export async function requireStep(run: RecordedRun, step: number): Promise<void> {
  const { folder, firstStep } = run;
  if (!Number.isInteger(step) || step <= firstStep) {
    const begins = firstStep === 0 ? 'of the seed' : `of step ${firstStep} of its parent`;
    throw new LockstepError(
      'config',
      `${folder} begins with the state ${begins}, and its first step is ${firstStep + 1}; there is no step ${step} to inspect`,
      { folder, step, firstStep },
    );
  }
  const { steps, status } = await readRun(folder);
  const last = status === 'non-finite' ? steps + 1 : steps;
  // Without its logs a run has the steps of its schedule.
  if (steps === 0 || step <= last) return requireState(run, step);
  throw new LockstepError(
    'config',
    `${folder} has computed ${last} steps, so there is no step ${step} to inspect; lockstep resume goes on with a run`,
    { folder, step, last },
  );
}

/** Throws `config`, with the nearest names, for a path that neither a layer nor a parameter has. */
export function requireLayer(run: RecordedRun, step: number, layer: string): void {
  const { config } = run.stage(step);
  const { experiment, dataset } = run;
  const { params, state } = run.programs(run.stage(step));
  const layers = placedIn(run, experiment, () => namedLayers({ experiment, dataset, config }));
  const names = [...layers, ...params, ...state].map(({ name }) => name);
  if (names.some((name) => isUnder(layer, name))) return;
  const shown = describeLayers(layers);
  const near = nearNames(layer, [...new Set(names.flatMap(pathsTo))]);
  const hint =
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'its parameters have the names of their layers';
  const known = shown === '' ? 'it applies no layers of this library' : `its layers are ${shown}`;
  throw new LockstepError('config', `the model has no layer '${layer}'; ${hint} (${known})`, {
    ...{ layer, near },
    layers: layers.map(({ name }) => name),
  });
}

const describeLayers = (layers: readonly NamedLayer[]): string =>
  layers.map(({ name, kind }) => `${name} ${kind}`.trim()).join(', ');

/** `a`, `a/b` and `a/b/c` of `a/b/c`. */
const pathsTo = (name: string): string[] =>
  name.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'));

/** Whether a name is that of a part, or of something in it. A layer that is applied again, `2#2`, is the same part. */
export const isUnder = (part: string, name: string): boolean =>
  name === part || name.startsWith(`${part}/`) || name.startsWith(`${part}#`);
