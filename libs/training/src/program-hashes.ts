/**
 * What an experiment came out as on this machine. Its code may read what no hash of the code covers, such as environment
 * variables, files or the time: then these hashes differ.
 */
import { createHash } from 'node:crypto';
import type { EarlyStopping, Programs, Variable } from '@lockstep/run';

/** SHA-256, in hexadecimal, of programs as they were traced: constants and all, before anything is planned. */
export interface HashesOfPrograms {
  readonly initialisation: string;
  /** Of a block of one shard, as `evaluation`. */
  readonly step: string;
  readonly update: string;
  readonly evaluation: string;
  /** What is no program but decides a result. */
  readonly settings: string;
}

/** The same for any workers, threads, profile and backend. */
export function hashesOf(programs: Programs, earlyStopping: EarlyStopping | undefined): HashesOfPrograms {
  const { params, state, optState, columns, rowsPerShard, stepMetrics, evaluationMetrics, evaluated } =
    programs;
  const read = [...evaluated.params, ...evaluated.state, ...evaluated.averageWeight];
  const settings = {
    arrays: [params, state, optState, columns].map((variables) => variables.map(formOf)),
    ...{ rowsPerShard, stepMetrics, evaluationMetrics, evaluated: read },
    earlyStopping: earlyStopping === undefined ? null : stoppingOf(earlyStopping),
  };
  return {
    initialisation: programs.init.hash,
    step: programs.shard(1).hash,
    update: programs.update.hash,
    evaluation: programs.evaluation(1).hash,
    settings: createHash('sha256').update(JSON.stringify(settings)).digest('hex'),
  };
}

const formOf = ({ name, dtype, shape }: Variable) => [name, dtype, shape];

/** With its defaults: who writes them out has the same experiment. Numbers as text, since JSON knows no Infinity. */
const stoppingOf = ({ metric, patience, minDelta = 0, mode = 'min' }: EarlyStopping) => [
  metric,
  String(patience),
  String(minDelta),
  mode,
];
