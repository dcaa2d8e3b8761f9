/**
 * The table of groups. A group has `rows` that one process measures together. A row has a `name`, a description `what`,
 * and, if a rate is more readable than a time, the `amount` of one call in `unit` times seconds. The first of the group's
 * `contestants` is ours; the others are compared with it. A contestant is a function `measure({ profile, seconds })` that
 * resolves with figures by row, or the arguments of a program that prints them (`python`, `peer`). Less is better in every
 * figure. Figures are milliseconds unless the row's `measured` names another quantity.
 */
import { allReduceGroups } from './all-reduce.mjs';
import { compileGroups } from './compile.mjs';
import { matmulGroup } from './matmul.mjs';
import { portableGroups } from './portable.mjs';
import { recordGroups } from './record.mjs';
import { startupGroup } from './startup.mjs';
import { stepGroups } from './step.mjs';
import { workersGroups } from './workers.mjs';

/**
 * @typedef {import('@lockstep/kernels').Profile} Profile
 * @typedef {Record<string, number[]>} Figures
 * @typedef {{ name: string, what: string, measured?: string, amount?: number, unit?: string }} Row
 * @typedef {{ profile: Profile, seconds: number }} Options
 * @typedef {(options: Options) => Promise<Figures | number[]> | Figures | number[]} Measure
 * @typedef {{ measure?: Measure, python?: string[], peer?: string[] }} Contestant
 * @typedef {{ name: string, rows: Row[], contestants: Record<string, Contestant> }} Group
 */

/** @type {Group[]} */
export const groups = [
  matmulGroup,
  ...stepGroups,
  ...workersGroups,
  ...recordGroups,
  ...allReduceGroups,
  startupGroup,
  ...compileGroups,
  ...portableGroups,
];
