/**
 * Hashes of the programs that an experiment compiles to on this machine. An experiment may read what no hash of its
 * code covers, such as environment variables, files or the time; these hashes then differ.
 */
import { createHash } from 'node:crypto';
import type { EarlyStopping, Programs, Variable } from '@lockstep/run';

/** SHA-256, in hexadecimal, of the traced programs with their constants, before planning. */
export interface HashesOfPrograms {
  readonly initialisation: string;
  /** The shard program of a block of one shard. */
  readonly step: string;
  readonly update: string;
  readonly evaluation: string;
  /** Settings that affect results but are in no program. */
  readonly settings: string;
}

/** The hashes do not depend on workers, threads, profile or backend. */
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

/**
 * Defaults are filled in, so that writing them out does not change the hash. Numbers become text, as JSON has no
 * Infinity.
 */
const stoppingOf = ({ metric, patience, minDelta = 0, mode = 'min' }: EarlyStopping) => [
  metric,
  String(patience),
  String(minDelta),
  mode,
];
