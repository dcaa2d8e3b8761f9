import { createHash } from 'node:crypto';
import { LockstepError } from '@lockstep/errors';

/**
 * JSON with sorted keys and no spaces: equal values give equal text. Properties that are `undefined` are left out. Throws an
 * `argument` error that names the path of a value that JSON cannot hold: NaN, functions, class instances, `undefined` in an
 * array.
 */
export function canonicalJson(value: unknown): string {
  return encode(value, '$');
}

/** SHA-256 in hexadecimal; text is encoded as UTF-8. */
export function sha256(contents: string | Uint8Array): string {
  return createHash('sha256').update(contents).digest('hex');
}

/** SHA-256 of the canonical JSON of a value. */
export function hashJson(value: unknown): string {
  return sha256(canonicalJson(value));
}

function encode(value: unknown, path: string): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item, i) => encode(item, `${path}[${i}]`)).join(',')}]`;
  if (isPlainObject(value)) {
    const keys = Object.keys(value)
      .filter((key) => value[key] !== undefined)
      .sort();
    return `{${keys.map((key) => `${JSON.stringify(key)}:${encode(value[key], `${path}.${key}`)}`).join(',')}}`;
  }
  const what =
    typeof value === 'object' ? Object.prototype.toString.call(value) : `${typeof value} ${String(value)}`;
  throw new LockstepError(
    'argument',
    `canonicalJson: ${path} is ${what}; use finite numbers, strings, booleans, null, arrays and plain objects`,
    { path },
  );
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
