/** Names in expressions of Prometheus's language. */

const words = new Set([
  'and',
  'or',
  'unless',
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'bool',
  'offset',
]);

/** Names of the series that an expression reads. Names of labels and functions are left out. */
export function seriesOf(expression: string): readonly string[] {
  const bare = expression
    .replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '')
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '');
  const names = Array.from(bare.matchAll(/\b([a-zA-Z_:][\w:]*)(\s*\()?/g), ([, name, call]) => ({
    name: name!,
    isCalled: call !== undefined,
  }));
  return names.filter(({ name, isCalled }) => !isCalled && !words.has(name)).map(({ name }) => name);
}

/** Names of labels that an expression selects by or groups by. */
export function labelsOf(expression: string): readonly string[] {
  const selected = Array.from(
    expression.matchAll(/([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"/g),
    ([, name]) => name!,
  );
  const groups = Array.from(expression.matchAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g), ([, list]) =>
    list!.split(',').map((name) => name.trim()),
  );
  return [...selected, ...groups.flat()];
}
