/** docs/reference.md: every export with its signature, defaults and comment, section by section. */
import { extending, type Group } from './groups.ts';
import { type Exported, exportsOf } from './modules.ts';
import { type Call, type Entry, entryOf, type Option } from './signature.ts';
import { definitionsOf } from './types.ts';

const head = `# Reference

Everything that \`import { … } from 'lockstep'\` and \`'lockstep/extend'\` give: signatures, defaults, options, results. The page is
made from the types and comments of the sources by \`LOCKSTEP_WRITE_GOLDEN=1 npx vitest run --project golden reference\`; a test
compares it with them.

- \`x?: T\` may be left out; \`x: T = v\` is \`v\` unless given. The last argument of most functions is an object of options, listed below it.
- \`ops.name\` is the op behind a layer of the same name: [layers and ops](layers.md#layers-and-ops-of-the-same-name).
- **Method**: also a method of tensors, without its first argument: \`sum(x, 0)\` is \`x.sum(0)\`.
- Shapes stand in brackets: \`[rows, .., C] → [rows, C]\`. What the tests check of each op: [ops.md](ops.md). What a function of NumPy,
  JAX or PyTorch is called here: [names.md](names.md).
`;

const LINE = 110;

/** A signature as code, its parameters one a line where they are too many for one line. */
function wrapped(signature: string): string {
  if (signature.length <= LINE || signature.startsWith('class ')) return signature;
  const open = firstOutside(signature, 0, '(');
  if (open < 0) return signature;
  const params = splitOutside(signature.slice(open + 1));
  return `${signature.slice(0, open)}(\n${params.items.map((item) => `  ${item},`).join('\n')}\n)${params.rest}`;
}

const OPENING = '([{<';
const CLOSING = ')]}>';

/** Where a sign stands outside of all brackets; the arrow => closes none. */
function firstOutside(text: string, from: number, sign: string): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    const at = text[i]!;
    if (depth === 0 && at === sign) return i;
    if (OPENING.includes(at)) depth++;
    if (CLOSING.includes(at) && !(at === '>' && text[i - 1] === '=')) depth--;
  }
  return -1;
}

/** The parameters up to the bracket that closes them, and what follows it. */
function splitOutside(text: string): { items: string[]; rest: string } {
  const items: string[] = [];
  for (let from = 0; ; ) {
    const [comma, end] = [firstOutside(text, from, ','), firstOutside(text, from, ')')];
    if (comma < 0 || comma > end)
      return { items: [...items, text.slice(from, end).trim()], rest: text.slice(end + 1) };
    items.push(text.slice(from, comma).trim());
    from = comma + 1;
  }
}

const option = ({ name, optional, type, doc }: Option): string =>
  `- \`${name}${optional ? '?' : ''}: ${type}\`${doc === '' ? '' : ` ${doc}`}`;

const code = (calls: readonly Call[]): string =>
  ['```ts', ...calls.map(({ signature }) => wrapped(signature)), '```'].join('\n');

/** Overloads with options of their own stand apart, each above its options. */
function body({ calls }: Entry): string[] {
  const lists = calls.map(({ options }) => options.map(option).join('\n'));
  const different = [...new Set(lists)].filter((list) => list !== '');
  const blocks =
    different.length > 1
      ? calls.flatMap((call, i) => [code([call]), lists[i]!])
      : [code(calls), ...different];
  return blocks.filter((block) => block !== '');
}

/** The members of a module that is a value: `initializers.ones`. */
const flattened = (members: Group['members']): [string, Exported][] =>
  members.flatMap(([name, value]): [string, Exported][] =>
    'namespace' in value
      ? [...exportsOf(value.path)]
          .filter(([member]) => !member.endsWith('Rules'))
          .map(([member, of]) => [`${name}.${member}`, of])
      : [[name, value]],
  );

/** Everything that the page shows, by the names that it shows. */
export function entriesOf(groups: readonly Group[]): Map<string, Entry> {
  return new Map(
    groups.flatMap(({ members }) =>
      flattened(members).flatMap(([name, value]) =>
        'namespace' in value ? [] : [[name, entryOf(name, value)] as const],
      ),
    ),
  );
}

const sentence = (doc: string): string => (/[.:!?\])`]$/.test(doc) || doc === '' ? doc : `${doc}.`);

/** The whole page; `isMethod` says which functions tensors have as methods too. */
export function referencePage(groups: readonly Group[], isMethod: (name: string) => boolean): string {
  const entries = entriesOf(groups);
  const anchor = (title: string): string =>
    title
      .toLowerCase()
      .replaceAll(/[^a-z ]/g, '')
      .replaceAll(' ', '-');
  const contents = [...groups.map(({ title }) => title), 'Types']
    .map((title) => `[${title.replace('Operations: ', '')}](#${anchor(title)})`)
    .join(' · ');
  const shown = ([name, value]: readonly [string, Exported]): string => {
    const entry = entries.get(name);
    if (entry === undefined || 'namespace' in value) throw new Error(`${name} is a module inside a module`);
    const method = value[0]!.path.startsWith('libs/autodiff/') && isMethod(name) ? '**Method.** ' : '';
    return [`### ${name}`, ...body(entry).toSpliced(1, 0, ...words(`${method}${sentence(entry.doc)}`))].join(
      '\n\n',
    );
  };
  const texts = groups.map(({ title, about, members }) =>
    [`## ${title}`, ...words(about), ...flattened(members).map(shown)].join('\n\n'),
  );
  const types = definitionsOf([...entriesOf(groups.filter(({ title }) => title !== extending)).values()]);
  return [head, `${contents}\n`, ...texts.map((text) => `${text}\n`), types].join('\n');
}

const words = (text: string): string[] => (text.trim() === '' ? [] : [text.trim()]);
