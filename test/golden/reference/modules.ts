/** What the packages export, and where it is declared: sources as syntax trees, followed from the umbrella's index. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Node, parse } from '../../architecture/syntax.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The file of everything that a user imports. */
export const umbrella = 'libs/lockstep/src/index.ts';

/** The file of what an extension of the library imports. */
export const extension = 'libs/lockstep/src/extend.ts';

/** A name's declaration; an overloaded function has several. */
export interface Declaration {
  /** Relative to the repository. */
  readonly path: string;
  readonly name: string;
  readonly node: Node;
  /** The statement that holds it, before which its comment stands. */
  readonly statement: Node;
  readonly exported: boolean;
}

/** A module as the value of a name: `export * as ops from …`. */
export interface Namespace {
  readonly path: string;
  readonly namespace: true;
  readonly doc: string;
}

export type Exported = readonly Declaration[] | Namespace;

interface Module {
  readonly path: string;
  readonly text: string;
  readonly body: readonly Node[];
  readonly declarations: ReadonlyMap<string, readonly Declaration[]>;
}

const modules = new Map<string, Module>();

export function moduleAt(path: string): Module {
  const known = modules.get(path);
  if (known !== undefined) return known;
  const text = readFileSync(`${root}${path}`, 'utf8');
  const body = parse({ path, text }).body as Node[];
  const module = { path, text, body, declarations: declarationsIn(path, body) };
  modules.set(path, module);
  return module;
}

/** The text of a node of a file. */
export const textOf = (path: string, node: unknown): string => {
  const { start, end } = node as { start: number; end: number };
  return moduleAt(path).text.slice(start, end);
};

function declarationsIn(path: string, body: readonly Node[]): Map<string, Declaration[]> {
  const found = new Map<string, Declaration[]>();
  for (const statement of body) {
    const exported = statement.type === 'ExportNamedDeclaration';
    const outer = (exported ? statement.declaration : statement) as Node | null;
    const nodes = outer?.type === 'VariableDeclaration' ? (outer.declarations as Node[]) : [outer];
    for (const node of nodes) {
      const name = (node?.id as { name?: string } | null | undefined)?.name;
      if (node == null || name === undefined) continue;
      found.set(name, [...(found.get(name) ?? []), { path, name, node, statement, exported }]);
    }
  }
  return found;
}

function pathOf(from: string, specifier: string): string | undefined {
  const [, library] = /^@lockstep\/(\w+)$/.exec(specifier) ?? [];
  if (library !== undefined) return `libs/${library}/src/index.ts`;
  if (!specifier.startsWith('.')) return undefined;
  const path = new URL(specifier, `file:///${from}`).pathname.slice(1);
  return from.endsWith('.d.ts') ? path.replace(/\.ts$/, '.d.ts') : path;
}

const nameIn = (node: unknown): string => (node as { name: string }).name;

const known = new Map<string, ReadonlyMap<string, Exported>>();

/** The values that a module exports, by name; a name that it lists wins over the same name of `export *`. */
export function exportsOf(path: string): ReadonlyMap<string, Exported> {
  const found = known.get(path) ?? readExports(path);
  known.set(path, found);
  return found;
}

function readExports(path: string): Map<string, Exported> {
  const own = new Map<string, Exported>();
  const passedOn = new Map<string, Exported>();
  for (const node of moduleAt(path).body) {
    const from = node.source == null ? path : pathOf(path, (node.source as { value: string }).value);
    if (from === undefined || node.exportKind === 'type') continue;
    if (node.type === 'ExportAllDeclaration') {
      if (node.exported === null) for (const [name, value] of exportsOf(from)) passedOn.set(name, value);
      else own.set(nameIn(node.exported), { path: from, namespace: true, doc: docBefore(path, node) });
    }
    if (node.type !== 'ExportNamedDeclaration') continue;
    for (const { exported, local } of (node.specifiers ?? []) as { exported: Node; local: Node }[]) {
      own.set(nameIn(exported), exportedBy(from, nameIn(local)));
    }
  }
  for (const [name, declarations] of moduleAt(path).declarations) {
    if (declarations.some(isExportedValue)) own.set(name, declarations);
  }
  return new Map([...passedOn, ...own]);
}

const isExportedValue = ({ exported, node }: Declaration): boolean =>
  exported && node.type !== 'TSInterfaceDeclaration' && node.type !== 'TSTypeAliasDeclaration';

function exportedBy(path: string, name: string): Exported {
  const found = exportsOf(path).get(name) ?? declarationsOf(path, name);
  if (Array.isArray(found) && found.length === 0) throw new Error(`${path} exports no ${name}`);
  return found;
}

/** The declarations behind a name as a file uses it: its own, or those that it imports. */
export function declarationsOf(path: string, name: string): readonly Declaration[] {
  const { declarations, body } = moduleAt(path);
  const own = declarations.get(name);
  if (own !== undefined) return own;
  for (const node of body) {
    const from = node.source == null ? undefined : pathOf(path, (node.source as { value: string }).value);
    if (from === undefined) continue;
    if (node.type === 'ExportAllDeclaration' && node.exported === null) {
      const found = declarationsOf(from, name);
      if (found.length > 0) return found;
    }
    for (const specifier of (node.specifiers ?? []) as Node[]) {
      if (specifier.type === 'ImportNamespaceSpecifier') continue;
      const isImport = node.type === 'ImportDeclaration';
      if (nameIn(isImport ? specifier.local : specifier.exported) === name) {
        return declarationsOf(from, nameIn(isImport ? specifier.imported : specifier.local));
      }
    }
  }
  return [];
}

/** The same declaration in the package's built types, where what the source leaves to the compiler is written out. */
export function builtDeclaration({ path, name }: Declaration): Declaration {
  const built = path.replace('/src/', '/dist/').replace(/\.ts$/, '.d.ts');
  if (!existsSync(`${root}${built}`)) throw new Error(`${built} is not there; run npm run build`);
  const found = moduleAt(built).declarations.get(name)?.[0];
  if (found === undefined) throw new Error(`${built} has no ${name}; run npm run build`);
  return found;
}

/** The words of the comment that stands right before a node, without `{@link …}`; '' if there is none. */
export function docBefore(path: string, { start }: Node): string {
  // A comment for the linter may stand between the two.
  const before = moduleAt(path)
    .text.slice(0, start)
    .replace(/(\s*\/\/[^\n]*)*\s*$/, '');
  if (!before.endsWith('*/')) return '';
  const comment = before.slice(before.lastIndexOf('/**') + 3, -2);
  return comment
    .replace(/^\s*\* ?/gm, ' ')
    .replace(/\{@link (\w+)\}/g, '`$1`')
    .replace(/\s+/g, ' ')
    .trim();
}
