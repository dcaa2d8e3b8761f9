/** Finds imports and uses of Math in a file's syntax tree. */
import { parseAst } from 'vitest/node';
import type { SourceFile } from './workspace.ts';

export interface Node {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

/** Functions and constants that IEEE 754 or ECMAScript define to the last bit. */
const EXACT_MATH = new Set(
  'abs ceil clz32 floor fround imul max min round sign sqrt trunc E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2'.split(
    ' ',
  ),
);

/** Imports that may occur anywhere in a file: `import(…)`, also as a type, and `require`. */
const NESTED_IMPORT = /\bimport\s*[(/]|\brequire\b/;

/** Literal specifiers of static, dynamic and type imports, re-exports and `require`. */
export function imports(file: SourceFile): { line: number; specifier: string }[] {
  const program = parse(file);
  const nodes = NESTED_IMPORT.test(file.text)
    ? Array.from(walk(program), ({ node }) => node)
    : (program.body as Node[]);
  return nodes.flatMap((node) => {
    const specifier = specifierOf(node);
    return typeof specifier === 'string' ? [{ line: lineOf(file, node), specifier }] : [];
  });
}

function specifierOf(node: Node): unknown {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return literal(node.source ?? node.argument);
    case 'CallExpression':
      return isNamed(node.callee, 'require') ? literal((node.arguments as unknown[])[0]) : undefined;
    default:
      return undefined;
  }
}

/**
 * Uses of `**` and of inexact members of `Math`. `Math` as a value counts, since any member could be used. `2 ** n` with a
 * literal n is exact everywhere and does not count.
 */
export function mathUses(file: SourceFile): { line: number; what: string }[] {
  // Two asterisks that do not open a comment.
  if (!/\bMath\b|(?<!\/)\*\*/.test(file.text)) return [];
  return [...walk(parse(file))].flatMap(({ node, parent }) => {
    const what = inexact(node, parent);
    return what === undefined ? [] : [{ line: lineOf(file, node), what }];
  });
}

function inexact(node: Node, parent: Node | undefined): string | undefined {
  if (node.type === 'BinaryExpression' && node.operator === '**') {
    return isPowerOfTwo(node) ? undefined : 'the operator **';
  }
  if (node.type === 'AssignmentExpression' && node.operator === '**=') return 'the operator **=';
  if (!isNamed(node, 'Math')) return undefined;
  const members = membersTaken(node, parent);
  if (members === undefined) return 'Math as a value';
  const member = members.find((name) => !EXACT_MATH.has(name));
  return member === undefined ? undefined : `Math.${member}`;
}

/** Members in `object.name` or `const { a, b } = object`; undefined if the text does not name them. */
function membersTaken(object: Node, parent: Node | undefined): string[] | undefined {
  if (parent?.type === 'MemberExpression' && parent.object === object) {
    return known([nameOf(parent.property, parent.computed)]);
  }
  if (parent?.type === 'VariableDeclarator' && isNode(parent.id) && parent.id.type === 'ObjectPattern') {
    return known((parent.id.properties as Node[]).map(({ key, computed }) => nameOf(key, computed)));
  }
  return undefined;
}

function known(names: (string | undefined)[]): string[] | undefined {
  return names.every((name) => name !== undefined) ? names : undefined;
}

function nameOf(property: unknown, computed: unknown): string | undefined {
  return isNode(property) && computed === false ? String(property.name) : undefined;
}

function isPowerOfTwo({ left, right }: Node): boolean {
  const exponent = isNode(right) && right.type === 'UnaryExpression' ? right.argument : right;
  return literal(left) === 2 && Number.isInteger(literal(exponent));
}

const parsed = new WeakMap<SourceFile, Node>();

/** The syntax tree of a file, parsed once. */
export function parse(file: SourceFile): Node {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const { path, text } = file;
  const lang = /\.m?ts$/.test(path) ? 'ts' : 'js';
  const program = parseAst(text, { lang }, path) as unknown as Node;
  parsed.set(file, program);
  return program;
}

function* walk(node: Node, parent?: Node): Generator<{ node: Node; parent: Node | undefined }> {
  yield { node, parent };
  for (const child of Object.values(node).flat()) {
    if (isNode(child)) yield* walk(child, node);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function isNamed(value: unknown, name: string): boolean {
  return isNode(value) && value.type === 'Identifier' && value.name === name;
}

function literal(value: unknown): unknown {
  if (!isNode(value)) return undefined;
  return value.type === 'TSLiteralType' ? literal(value.literal) : value.value;
}

function lineOf({ text }: SourceFile, { start }: Node): number {
  return text.slice(0, start).split('\n').length;
}
