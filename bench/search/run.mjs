// Measures the regrets of our searches and records them in results.jsonl. See table.mjs, which compares them with Optuna's.
// node bench/search/run.mjs [--seeds 20] [--searches tpe,cmaEs] [--functions branin] [--generations 1,4,8] [--dry]
import { parseArgs } from 'node:util';
import { cmaEs, createStudy, gaussianProcess, minimize, random, sobol, tpe, uniform } from '@lockstep/search';
import { functions } from './functions.mjs';
import { budgets, formatLine, record } from './results.mjs';

const searches = {
  random: () => random(),
  sobol: () => sobol(),
  tpe: () => tpe(),
  'tpe multivariate': () => tpe({ multivariate: true }),
  cmaEs: () => cmaEs(),
  gaussianProcess: () => gaussianProcess(),
};

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    searches: { type: 'string', default: Object.keys(searches).join() },
    functions: { type: 'string', default: Object.keys(functions).join() },
    generations: { type: 'string', default: '1,4,8' },
    dry: { type: 'boolean', default: false },
  },
});
const numSeeds = Number(values.seeds);

for (const name of values.functions.split(',')) {
  for (const search of values.searches.split(',')) {
    for (const generation of values.generations.split(',').map(Number)) {
      const isAdaptive = searches[search]().isAdaptive;
      if (!isAdaptive && generation > 1) continue;
      const found = Array.from({ length: numSeeds }, (_, seed) =>
        regrets(functions[name], searches[search](), { seed, generation }),
      );
      const result = {
        ...{ library: 'lockstep', function: name, search, generation, seeds: numSeeds },
        regrets: Object.fromEntries(budgets.map((n, i) => [n, quartiles(found.map((one) => one[i]))])),
      };
      console.log(formatLine(result));
      if (!values.dry) record([result]);
    }
  }
}

/** The least value after each budget less the least value of the function. */
function regrets({ bounds, least, at }, search, { seed, generation }) {
  const names = bounds.map((_, i) => `x${i}`);
  const study = createStudy({
    space: Object.fromEntries(bounds.map(([lo, hi], i) => [names[i], uniform(lo, hi)])),
    ...{ search, seed, generation, objectives: [minimize('value')], numTrials: budgets.at(-1) },
  });
  const best = [];
  const asked = [];
  while (best.length < budgets.at(-1)) {
    const next = study.ask();
    if (typeof next === 'object') {
      asked.push(next);
      continue;
    }
    for (const { number, params } of asked.splice(0)) {
      const value = at(names.map((name) => params[name]));
      best.push(Math.min(value, best.at(-1) ?? Number.POSITIVE_INFINITY));
      study.tell(number, { status: 'complete', values: [value] });
    }
  }
  return budgets.map((n) => best[n - 1] - least);
}

function quartiles(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((share) => {
    const at = share * (sorted.length - 1);
    const low = sorted[Math.floor(at)];
    return Number((low + (at % 1) * ((sorted[Math.floor(at) + 1] ?? low) - low)).toPrecision(4));
  });
}
