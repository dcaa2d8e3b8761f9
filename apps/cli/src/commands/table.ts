/** Every command, in the order in which help shows them. */
import type { Command } from './command.ts';
import { inspect, spike } from './inspect.ts';
import { completion, doctor, help, keys } from './machine.ts';
import { report, view } from './pages.ts';
import { diff, verify } from './proofs.ts';
import { compare, prune, runs, show } from './records.ts';
import { explain, exportRun, predict } from './results.ts';
import { scale } from './scale.ts';
import { sweep, sweepCancel, sweepFit, sweepShow } from './sweep.ts';
import { branch, replay } from './time-travel.ts';
import { coordinator, resume, train, worker } from './training.ts';

export const commands: readonly Command[] = [
  train,
  coordinator,
  worker,
  resume,
  sweep,
  sweepShow,
  sweepCancel,
  sweepFit,
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

const isSub = ({ name }: Command): boolean => name.includes(' ');

/** Commands of one word. */
export const topCommands: readonly Command[] = commands.filter((one) => !isSub(one));

export const commandNames: readonly string[] = topCommands.map(({ name }) => name);

/** Those of two words that begin with the name of a command, such as `sweep show` of `sweep`. */
export const subcommandsOf = ({ name }: Command): readonly Command[] =>
  commands.filter((one) => one.name.startsWith(`${name} `));

/** The command that the first words of a command line name: of two words if there is such a one, else of one word. */
export const commandIn = ([first, second]: readonly string[]): Command | undefined =>
  commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first);
