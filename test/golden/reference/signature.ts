/** The signature of a declaration as its callers see it: parameters, defaults, options, result. */
import type { Node } from '../../architecture/syntax.ts';
import {
  builtDeclaration,
  type Declaration,
  declarationsOf,
  docBefore,
  exportsOf,
  textOf,
  umbrella,
} from './modules.ts';

export interface Option {
  readonly name: string;
  readonly optional: boolean;
  readonly type: string;
  readonly doc: string;
}

/** One way to call a function; a class and a constant have one too. */
export interface Call {
  readonly signature: string;
  readonly options: readonly Option[];
  /** Texts that name types, with the file in which they do. */
  readonly types: readonly { readonly path: string; readonly text: string }[];
}

export interface Entry {
  readonly doc: string;
  readonly calls: readonly Call[];
}

/** A text on one line, without the commas that a formatter puts at the ends of lines. */
const flat = (text: string): string =>
  text
    .replace(/\/\*\*.*?\*\//gs, '')
    .replace(/\s+/g, ' ')
    .replace(/,? ([)\]>])/g, '$1')
    .replace(/([([<]) /g, '$1')
    .replace(/: \| /g, ': ')
    .replace(/\bimport\("[^"]*"\)\./g, '')
    .trim();

const typeText = (path: string, annotation: unknown): string =>
  flat(textOf(path, (annotation as Node).typeAnnotation));

/** What a name is, whatever it was declared with. */
export function entryOf(name: string, declarations: readonly Declaration[]): Entry {
  const overloads = declarations.filter(({ node }) => node.type === 'TSDeclareFunction');
  const shown = overloads.length > 0 ? overloads : declarations.slice(0, 1);
  const docs = declarations.map(({ path, statement }) => docBefore(path, statement));
  return { doc: docs.find((doc) => doc !== '') ?? '', calls: shown.flatMap((one) => callsOf(name, one)) };
}

function callsOf(name: string, declaration: Declaration): Call[] {
  if (declaration.node.type === 'ClassDeclaration') return [classCall(declaration)];
  const callable = callableOf(declaration);
  if (callable !== undefined) return [functionCall(name, callable, declaration)];
  const { path, node } = annotated(declaration);
  const annotation = (node.id as Node).typeAnnotation as Node;
  const methods = methodsIn(path, annotation.typeAnnotation as Node);
  if (methods !== undefined)
    return methods.map(([key, method]) => functionCall(`${name}.${key}`, method, declaration));
  const type = typeText(path, annotation);
  return [{ signature: `${name}: ${type}`, options: [], types: [{ path, text: type }] }];
}

/** The functions of an object that holds nothing else. */
function methodsIn(path: string, type: Node): [name: string, method: Callable][] | undefined {
  if (type.type !== 'TSTypeLiteral') return undefined;
  const found = (type.members as Node[]).flatMap((member): [string, Callable][] => {
    const annotation = member.typeAnnotation as Node | null | undefined;
    const method = annotation == null ? undefined : callableType(path, annotation.typeAnnotation as Node);
    return method === undefined ? [] : [[textOf(path, member.key), method]];
  });
  return found.length === (type.members as Node[]).length ? found : undefined;
}

const unique = (options: readonly Option[]): Option[] => [
  ...new Map(options.map((option) => [option.name, option])).values(),
];

/** A constant with its type: the source's, else that of the built types. */
const annotated = (declaration: Declaration): Declaration =>
  (declaration.node.id as Node).typeAnnotation == null ? builtDeclaration(declaration) : declaration;

interface Callable {
  readonly path: string;
  readonly params: readonly Node[];
  readonly typeParameters: Node | null;
  readonly returnType: Node | null;
  readonly body: Node | null;
}

const asCallable = (path: string, node: Node): Callable => ({
  path,
  params: node.params as Node[],
  typeParameters: (node.typeParameters ?? null) as Node | null,
  returnType: (node.returnType ?? null) as Node | null,
  body: (node.body ?? null) as Node | null,
});

/** The function behind a name: declared, written as an arrow, or of a type that is a function's. */
function callableOf(declaration: Declaration): Callable | undefined {
  const { path, node } = declaration;
  if (node.type !== 'VariableDeclarator') return asCallable(path, node);
  const init = node.init as Node | null;
  const typed = (node.id as Node).typeAnnotation != null;
  if (!typed && init?.type === 'ArrowFunctionExpression') return asCallable(path, init);
  const { path: at, node: built } = annotated(declaration);
  return callableType(at, ((built.id as Node).typeAnnotation as Node).typeAnnotation as Node);
}

function callableType(path: string, type: Node): Callable | undefined {
  if (type.type === 'TSFunctionType') return asCallable(path, type);
  if (type.type === 'TSTypeQuery') {
    const [same] = declarationsOf(path, textOf(path, type.exprName));
    return same === undefined ? undefined : callableOf(same);
  }
  if (type.type !== 'TSTypeReference') return undefined;
  const [alias] = declarationsOf(path, textOf(path, type.typeName));
  // A type that users can name says more than what it stands for.
  if (alias?.node.type !== 'TSTypeAliasDeclaration' || alias.exported) return undefined;
  return callableType(alias.path, alias.node.typeAnnotation as Node);
}

function functionCall(name: string, callable: Callable, declaration: Declaration): Call {
  const { path, params, typeParameters } = callable;
  const built = isWritten(callable) ? undefined : callableOf(builtDeclaration(declaration));
  const returns = callable.returnType ?? built?.returnType;
  if (returns == null) throw new Error(`${path}: ${name} has no type of its result`);
  const shown = params
    .map((param, i) => parameterOf(path, param, built, i))
    // Of a list of nothing there is nothing to give: it is there to be refused.
    .filter(({ type }) => type !== '[]');
  const result = typeText(callable.returnType === null ? built!.path : path, returns);
  const generic = typeParameters === null ? '' : flat(textOf(path, typeParameters));
  const options = params.slice(-1).flatMap((param) => optionsOf(path, param, callable.body));
  const texts = [...shown.map(({ type }) => type), result, generic, ...options.map(({ type }) => type)];
  return {
    signature: `${name}${generic}(${shown.map(({ text }) => text).join(', ')}): ${result}`,
    options,
    types: texts.map((text) => ({ path, text })),
  };
}

/** Whether the source says all types. */
const isWritten = ({ params, returnType }: Callable): boolean =>
  returnType !== null && params.every((param) => annotationOf(param) != null);

/** A parameter without its default. */
const bare = (param: Node): Node => (param.type === 'AssignmentPattern' ? (param.left as Node) : param);
const annotationOf = (param: Node): unknown => bare(param).typeAnnotation;

function parameterOf(
  path: string,
  param: Node,
  built: Callable | undefined,
  place: number,
): { text: string; type: string } {
  const annotation = annotationOf(param);
  const type =
    annotation == null
      ? typeText(built!.path, annotationOf(built!.params[place]!))
      : typeText(path, annotation);
  const left = bare(param);
  if (left.type === 'RestElement') return { text: `${textOf(path, left)}`.replace(/\s+/g, ' '), type };
  const isOptions = left.type === 'ObjectPattern' || left.name === 'given';
  const name = isOptions ? 'options' : (left.name as string).replace(/^_/, '');
  if (param.type !== 'AssignmentPattern')
    return { text: `${name}${left.optional ? '?' : ''}: ${type}`, type };
  const value = defaultText(path, param.right as Node);
  return { text: value === undefined ? `${name}?: ${type}` : `${name}: ${type} = ${value}`, type };
}

/** A default that says something to a caller: a value, or what the library exports by that name. */
function defaultText(path: string, value: Node): string | undefined {
  if (value.type === 'TSAsExpression') return defaultText(path, value.expression as Node);
  if (value.type === 'ArrowFunctionExpression') return undefined;
  const text = flat(textOf(path, value));
  if (text === '{}') return undefined;
  return value.type === 'Identifier' && !exportsOf(umbrella).has(text) ? undefined : text;
}

/** What an object of options may hold, with defaults from where the function takes it apart. */
function optionsOf(path: string, param: Node, body: Node | null): Option[] {
  const annotation = annotationOf(param) as Node | null | undefined;
  if (annotation == null) return [];
  const defaults = defaultsOf(path, bare(param), body);
  return unique(membersOf(path, annotation.typeAnnotation as Node)).map((option) => {
    const value = defaults.get(option.name);
    const silent = value === undefined || /default/i.test(option.doc);
    return silent ? option : { ...option, doc: `${option.doc} Default \`${value}\`.`.trim() };
  });
}

function defaultsOf(path: string, left: Node, body: Node | null): Map<string, string> {
  const statements = Array.isArray(body?.body) ? (body.body as Node[]) : [];
  const patterns = statements
    .flatMap((statement) =>
      statement.type === 'VariableDeclaration' ? (statement.declarations as Node[]) : [],
    )
    .filter(({ init }) => (init as Node | null)?.name === left.name && left.name !== undefined)
    .map(({ id }) => id as Node);
  const properties = [left, ...patterns]
    .filter(({ type }) => type === 'ObjectPattern')
    .flatMap((pattern) => pattern.properties as Node[]);
  return new Map(
    properties.flatMap(({ key, value }) => {
      if ((value as Node | undefined)?.type !== 'AssignmentPattern') return [];
      const text = defaultText(path, (value as Node).right as Node);
      return text === undefined ? [] : [[textOf(path, key), text] as const];
    }),
  );
}

/** Interfaces whose fields are options of the function that takes them. */
export const HOLDS_OPTIONS = /(Options|Decay|Scaling|Experiment|NoiseRule)$/;

function membersOf(path: string, type: Node): Option[] {
  switch (type.type) {
    case 'TSIntersectionType':
    case 'TSUnionType':
      return (type.types as Node[]).flatMap((part) => membersOf(path, part));
    case 'TSTypeLiteral':
      // The signature shows them; a list adds what comments say.
      return (type.members as Node[])
        .flatMap((member) => memberOf(path, member))
        .filter(({ doc }) => doc !== '');
    case 'TSTypeReference': {
      const name = textOf(path, type.typeName);
      if (!HOLDS_OPTIONS.test(name)) return [];
      return declarationsOf(path, name).flatMap(declaredMembers);
    }
    default:
      return [];
  }
}

function declaredMembers({ path, node }: Declaration): Option[] {
  if (node.type === 'TSTypeAliasDeclaration') return membersOf(path, node.typeAnnotation as Node);
  if (node.type !== 'TSInterfaceDeclaration') return [];
  const inherited = (node.extends as Node[]).flatMap(({ expression, typeArguments }) =>
    declarationsOf(path, textOf(path, expression))
      .flatMap(declaredMembers)
      .filter(({ name }) => typeArguments == null || !textOf(path, typeArguments).includes(`'${name}'`)),
  );
  return [...inherited, ...((node.body as Node).body as Node[]).flatMap((member) => memberOf(path, member))];
}

function memberOf(path: string, member: Node): Option[] {
  if (member.type !== 'TSPropertySignature') return [];
  return [
    {
      name: textOf(path, member.key),
      optional: member.optional === true,
      type: typeText(path, member.typeAnnotation),
      doc: docBefore(path, member),
    },
  ];
}

/** A class by its public fields and methods. */
function classCall(declaration: Declaration): Call {
  const { path, node } = builtDeclaration(declaration);
  const members = ((node.body as Node).body as Node[]).filter(
    ({ accessibility, key }) =>
      accessibility !== 'private' && (key as Node | null)?.type !== 'PrivateIdentifier',
  );
  const text = members.map((member) => `  ${flat(textOf(path, member))}`).join('\n');
  return {
    signature: `class ${declaration.name} {\n${text}\n}`,
    options: [],
    types: [{ path: declaration.path, text }],
  };
}
