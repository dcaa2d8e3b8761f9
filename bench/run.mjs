// Measures the rows, prints a table and appends it to history.jsonl; with --torch also measures PyTorch. See README.md.
// node bench/run.mjs [--list] [--torch] [--profile auto|portable|fma] [--rounds 2] [--seconds 3] [group or row …]
import { parseArgs } from 'node:util';
import { offeredProfiles } from '@lockstep/kernels';
import { figuresOf } from './contestants.mjs';
import { append } from './history.mjs';
import { backendOf } from './kernels.mjs';

import { quantile, range, summary } from './measure.mjs';
import { findPeers } from './peers.mjs';
import { groups } from './rows/index.mjs';
import { formatTable, headline } from './table.mjs';
import { findTorch } from './torch.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    torch: { type: 'boolean', default: false },
    profile: { type: 'string', default: 'auto' },
    rounds: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '3' },
  },
});
const rounds = wholeNumber('rounds');
const seconds = wholeNumber('seconds');
const profile = chooseProfile();
const chosen = chooseGroups();

if (values.list) {
  for (const { name, what } of chosen.flatMap(({ rows }) => rows)) console.log(`${name.padEnd(18)} ${what}`);
  process.exit(0);
}
const torch = values.torch ? findTorch() : {};
if (torch.missing !== undefined) {
  console.log(`bench:torch is skipped: ${torch.missing}`);
  process.exit(0);
}
const peers = findPeers();
if (
  peers.missing !== undefined &&
  chosen.some(({ contestants }) => Object.values(contestants).some(isPeer))
) {
  console.log(`other WebAssembly libraries are skipped: ${peers.missing}`);
}
const setting = {
  profile,
  backend: backendOf(profile),
  torch: torch.versions,
  peers: peers.versions,
};
console.log(headline({ ...setting, rounds, seconds }));
const results = chosen.flatMap(measureGroup);
console.log(formatTable(results));
append(results, setting);

/** Measures all contestants of a group in turn, A B A B. */
function measureGroup(group) {
  const names = Object.keys(group.contestants).filter((name) => isPresent(group.contestants[name]));
  const parts = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      process.stderr.write(`  ${group.name} ${name}, round ${round + 1} of ${rounds}\n`);
      parts[name].push(figuresOf(group, name, { profile, seconds }));
    }
  }
  return group.rows.map((row) => ({
    ...row,
    ...summarize(mapValues(parts, (figures) => figures.map((byRow) => byRow[row.name]))),
  }));
}

function isPresent({ python, peer }) {
  return (
    (python === undefined || torch.versions !== undefined) &&
    (peer === undefined || peers.versions !== undefined)
  );
}

function isPeer({ peer }) {
  return peer !== undefined;
}

/** Figures over all slices of a contestant, and ratios of its medians to ours in the same round. */
function summarize(parts) {
  const { ours, ...others } = mapValues(parts, (rounds) => rounds.map((slices) => quantile(slices, 0.5)));
  return {
    figures: mapValues(parts, (rounds) => summary(rounds.flat())),
    ratios: mapValues(others, (medians) => range(medians.map((median, round) => median / ours[round]))),
  };
}

function mapValues(object, f) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, f(value)]));
}

/** Selects groups by their name or by the name of any of their rows. */
function chooseGroups() {
  const namesOf = ({ name, rows }) => [name, ...rows.map((row) => row.name)];
  const known = new Set(groups.flatMap(namesOf));
  const unknown = positionals.filter((name) => !known.has(name));
  if (unknown.length > 0) fail(`there is no row ${unknown.join(', ')}; there are ${[...known].join(', ')}`);
  if (positionals.length === 0) return groups;
  return groups.filter((group) => namesOf(group).some((name) => positionals.includes(name)));
}

function chooseProfile() {
  const offered = offeredProfiles();
  if (values.profile === 'auto') return offered[0];
  const wanted = offered.find((candidate) => candidate === values.profile);
  return wanted ?? fail(`--profile is ${values.profile}; this machine offers ${offered.join(' and ')}`);
}

function wholeNumber(option) {
  const value = Number(values[option]);
  if (!Number.isSafeInteger(value) || value < 1) {
    fail(`--${option} is ${values[option]}; give a whole number of at least 1`);
  }
  return value;
}

/** @returns {never} */
function fail(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}
