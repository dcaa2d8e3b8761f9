/** Names a value for an error message: `null`, `the string 'tanh'`, `an object of axis`, `a list of 3`. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `the string '${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `the bigint ${value}n`;
    case 'symbol':
      return 'a symbol';
    case 'function':
      return value.name === '' ? 'a function' : `the function ${value.name}`;
    case 'object':
      return value === null ? 'null' : describeObject(value);
    default:
      return String(value);
  }
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return describeList(value);
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  const { dtype, shape } = value as { readonly dtype?: unknown; readonly shape?: unknown };
  if (typeof dtype === 'string' && Array.isArray(shape))
    return `a ${dtype} tensor of shape [${shape.join(', ')}]`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return `a ${nameOf(prototype as object)}`;
  const names = Object.keys(value);
  return names.length === 0 ? 'an empty object' : `an object of ${names.slice(0, 6).join(', ')}`;
}

/** Shows a short list of simple values in full, and any other list by its length. */
function describeList(list: readonly unknown[]): string {
  if (list.length === 0) return 'an empty list';
  // Array.from turns holes into undefined elements.
  const items = Array.from(list);
  const isShort = items.length <= 4 && items.every((item) => typeof item !== 'object' || item === null);
  return isShort ? `the list [${items.map(describeItem).join(', ')}]` : `a list of ${list.length}`;
}

const describeItem = (item: unknown): string =>
  typeof item === 'string' ? describeValue(item).replace(/^the string /, '') : describeValue(item);

/** The name of a prototype's class; `object` if the class has no name. */
function nameOf(prototype: object): string {
  const { constructor: made } = prototype;
  return typeof made === 'function' && made.name !== '' ? made.name : 'object';
}
