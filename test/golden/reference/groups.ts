/** Which section of docs/reference.md an export belongs to: an op to its family in docs/ops.md, the rest by its file. */
import { type Exported, exportsOf, extension, umbrella } from './modules.ts';

export interface Group {
  readonly title: string;
  readonly about: string;
  readonly members: readonly (readonly [name: string, value: Exported])[];
}

const autodiff = 'libs/autodiff/src/index.ts';

/** The section of the second entry, `lockstep/extend`. */
export const extending = 'Programs and primitives';

/** Sections beside those of ops, in the page's order; an export belongs to the first that its file fits. */
const sections: readonly (readonly [title: string, places: RegExp, about: string])[] = [
  [
    'Tensors',
    /autodiff\/src\/(convert|grids)\.ts|tensor\.ts#Tensor$|bits\.ts#keyTensor$/,
    'The array type and what makes arrays.',
  ],
  ['Transformations', /autodiff\/src\/transform\//, 'Functions of functions: [autodiff.md](autodiff.md).'],
  [
    'Looking inside',
    /autodiff\/src\/teach\//,
    'How values and derivatives come about, and where they go wrong: [autodiff.md](autodiff.md#looking-inside).',
  ],
  [
    'Profiles',
    /autodiff\/src\/profile\.ts/,
    'Which arithmetic ops take: [determinism.md](determinism.md#arithmetic).',
  ],
  [
    'Experiments',
    /(training|params)\/src\//,
    'What an experiment file exports: [your-data.md](your-data.md).',
  ],
  ['Data', /data\/src\//, 'Sources of samples: [your-data.md](your-data.md#a-table).'],
  [
    'Losses',
    /nn\/src\/(losses|margin-losses|cross-entropy|penalty)\.ts/,
    'One value a sample, and a penalty of the parameters: [layers.md](layers.md#losses-and-metrics).',
  ],
  ['Metrics', /nn\/src\/metrics\.ts/, 'One value a sample, without a gradient.'],
  [
    'Initialisers',
    /nn\/src\/(initializers|orthogonal|fans)\.ts/,
    'First values of parameters: [layers.md](layers.md#initialisers).',
  ],
  ['From PyTorch', /nn\/src\/torch\.ts/, 'Parameters of a state dict: [layers.md](layers.md#from-pytorch).'],
  ['Layers', /nn\/src\//, 'What models are made of: [layers.md](layers.md).'],
  ['Optimizers', /optim\/src\/optimizers\.ts/, 'From gradients to updates: [optimizers.md](optimizers.md).'],
  [
    'Schedules',
    /optim\/src\/(schedule|cycles|joining|batch-growth)\.ts/,
    'The learning rate, and the batch, over a run: [optimizers.md](optimizers.md#schedules).',
  ],
  [
    'Links and wrappers of optimizers',
    /optim\/src\//,
    'What `chain` joins, and what goes around it: [optimizers.md](optimizers.md).',
  ],
  [
    'Trained runs',
    /inference\/src\//,
    'From a run folder to predictions: [your-data.md](your-data.md#new-rows).',
  ],
  [
    'Sweeps',
    /lockstep\/src\/sweeps\.ts|(search|sweep)\/src\//,
    'What a sweep file exports: [sweeps.md](sweeps.md).',
  ],
  [
    'Steps of runs',
    /lockstep\/src\/inspect\.ts|replay\/src\//,
    'Steps that are computed again: [time-travel.md](time-travel.md).',
  ],
  ['Files', /formats\/src\//, 'safetensors and NumPy: [files.md](files.md).'],
  ['ONNX', /onnx\/src\//, 'Models for other programs: [files.md](files.md#models-as-onnx).'],
  ['Trees', /tree\/src\//, 'Nested arrays and objects of tensors.'],
  ['Errors', /errors\/src\//, 'What is thrown.'],
];

const order = ['Tensors', 'ops', 'Transformations', 'Looking inside', 'Experiments', 'Data', 'Layers'];

const rank = (title: string): number => (order.includes(title) ? order.indexOf(title) : order.length);

/** The families of docs/ops.md, each with its ops; sections without a table of ops are none. */
function familiesOf(opsPage: string): [title: string, names: string[]][] {
  return opsPage
    .split(/^## /m)
    .slice(1)
    .map((section): [title: string, names: string[]] => [
      section.slice(0, section.indexOf('\n')),
      Array.from(section.matchAll(/^\| `(\w+)` \|/gm), ([, name]) => name!),
    ])
    .filter(([, names]) => names.length > 0);
}

/** The file that declares it and its name there, as the patterns of sections have them. */
const placeOf = (value: Exported): string =>
  'namespace' in value ? value.path : `${value[0]!.path}#${value[0]!.name}`;

/** Everything that both entries export, an op behind a layer of its name as `ops.name`. */
export function groupsOf(opsPage: string): Group[] {
  const [all, inAutodiff] = [exportsOf(umbrella), exportsOf(autodiff)];
  const ops: Group[] = familiesOf(opsPage).map(([title, names]) => ({
    title: `Operations: ${title[0]!.toLowerCase()}${title.slice(1)}`,
    about: '',
    members: names.map((name) => {
      const op = inAutodiff.get(name);
      if (op === undefined) throw new Error(`docs/ops.md has ${name}, which libs/autodiff does not export`);
      return [all.get(name) === op ? name : `ops.${name}`, op] as const;
    }),
  }));
  const taken = new Set(ops.flatMap(({ members }) => members.map(([name]) => name)));
  const rest = [...all].filter(([name]) => !taken.has(name) && name !== 'ops');
  const others = sections.map(([title, , about]) => ({
    title,
    about,
    members: rest.filter(([, value]) => sectionOf(placeOf(value)) === title),
  }));
  const extensions: Group = {
    title: extending,
    about:
      "What extensions of the library import: `import { … } from 'lockstep/extend'`. It may change with any release. [architecture.md](architecture.md) is the map of the code.",
    members: [...exportsOf(extension)],
  };
  const [before, after] = [
    others.filter(({ title }) => rank(title) < 1),
    others.filter(({ title }) => rank(title) > 1),
  ];
  return [...before, ...ops, ...after.sort((a, b) => rank(a.title) - rank(b.title)), extensions];
}

function sectionOf(place: string): string {
  const found = sections.find(([, places]) => places.test(place));
  if (found === undefined)
    throw new Error(`${place} belongs to no section of docs/reference.md; add one to groups.ts`);
  return found[0];
}
