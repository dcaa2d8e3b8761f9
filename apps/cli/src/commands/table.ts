/** Every command, in the order in which help shows them. */
import type { Command } from './command.ts';
import { inspect, spike } from './inspect.ts';
import { completion, doctor, help, keys } from './machine.ts';
import { report, view } from './pages.ts';
import { diff, verify } from './proofs.ts';
import { compare, prune, runs, show } from './records.ts';
import { explain, exportRun, predict } from './results.ts';
import { scale } from './scale.ts';
import { sweep } from './sweep.ts';
import { branch, replay } from './time-travel.ts';
import { coordinator, resume, train, worker } from './training.ts';

export const commands: readonly Command[] = [
  train,
  coordinator,
  worker,
  resume,
  sweep,
  scale,
  branch,
  replay,
  diff,
  verify,
  explain,
  exportRun,
  predict,
  runs,
  show,
  compare,
  inspect,
  spike,
  view,
  report,
  prune,
  keys,
  doctor,
  completion,
  help,
];

export const commandNames: readonly string[] = commands.map(({ name }) => name);

export const commandNamed = (name: unknown): Command | undefined => commands.find((one) => one.name === name);
