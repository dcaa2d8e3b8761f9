/** The types that signatures name, as the sources define them. */
import { type Declaration, declarationsOf, textOf } from './modules.ts';
import { type Entry, HOLDS_OPTIONS } from './signature.ts';

const NAME = /\b[A-Z]\w*\b/g;

/** What the page lists elsewhere (methods), and what only the library itself takes apart. */
const INTERNAL = /State$|^TensorMethods$/;

const isType = ({ node }: Declaration): boolean =>
  node.type === 'TSTypeAliasDeclaration' || node.type === 'TSInterfaceDeclaration';

/** The section of types: each name once for each definition that it has. */
export function definitionsOf(entries: readonly Entry[]): string {
  const found = new Map<string, Set<string>>();
  for (const { types } of entries.flatMap(({ calls }) => calls)) {
    for (const { path, text } of types) collect(path, text, found);
  }
  const names = [...found.keys()].sort();
  const blocks = names.map(
    (name) => `### ${name}\n\n\`\`\`ts\n${[...found.get(name)!].join('\n\n')}\n\`\`\``,
  );
  return ['## Types', 'What the signatures name, as the sources define it.', ...blocks, '']
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

/** The source behind built types, which say the same in other words. */
const sourceOf = (path: string): string => path.replace('/dist/', '/src/').replace(/\.d\.ts$/, '.ts');

function collect(path: string, text: string, found: Map<string, Set<string>>): void {
  for (const [name] of text.matchAll(NAME)) {
    if (HOLDS_OPTIONS.test(name) || INTERNAL.test(name)) continue;
    for (const declaration of declarationsOf(sourceOf(path), name).filter(isType)) {
      const definition = textOf(declaration.path, declaration.node);
      const known = found.get(name) ?? new Set<string>();
      found.set(name, known);
      if (known.has(definition)) continue;
      known.add(definition);
      collect(declaration.path, definition.replace(/\/\*\*.*?\*\//gs, ''), found);
    }
  }
}
