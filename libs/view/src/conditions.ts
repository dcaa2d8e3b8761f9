/** Conditions such as `rate>0.01,status=finished,name=mnist*`. */
import { LockstepError, nearNames } from '@lockstep/errors';
import { statuses } from './status.ts';
import type { Value } from './values.ts';

const operators = ['<=', '>=', '!=', '=', '<', '>'] as const;

type Operator = (typeof operators)[number];

export interface Condition {
  readonly key: string;
  readonly operator: Operator;
  readonly value: string;
}

/** What conditions are asked of, for messages, and the values that its `status` can have. */
export interface Filtered {
  readonly what: 'run' | 'trial';
  readonly statuses: readonly string[];
}

const runs: Filtered = { what: 'run', statuses };

/** Conditions between commas. Throws `config` for text that is none. */
export function parseFilter(filter: string, of: Filtered = runs): readonly Condition[] {
  return filter.split(',').map((text) => {
    const [, key = '', operator, value = ''] =
      /^\s*([^<>=!\s]+)\s*(<=|>=|!=|=|<|>)\s*(.*?)\s*$/.exec(text) ?? [];
    if (operator === undefined || value === '' || /^[<>=!]/.test(value)) {
      throw new LockstepError(
        'config',
        `'${text.trim()}' is no condition; write KEY=VALUE, such as status=finished, name=mnist* or rate>0.01, with one of ${operators.join(' ')}, and commas between conditions`,
        { filter, condition: text },
      );
    }
    const condition = { key, operator: operator as Operator, value };
    requireStatus(condition, of);
    return condition;
  });
}

/** A misspelt status would select nothing. */
function requireStatus({ key, value }: Condition, { what, statuses: known }: Filtered): void {
  if (key !== 'status' || value.includes('*') || known.includes(value)) return;
  const [near] = nearNames(value, known, 1);
  const hint = near === undefined ? `it is one of ${known.join(', ')}` : `did you mean ${near}?`;
  throw new LockstepError('config', `no ${what} has the status '${value}'; ${hint}`, { value, near });
}

/** Values without the key meet no condition on it, `!=` included. Throws `config` for a condition that its value cannot be compared by. */
export function meets(
  values: ReadonlyMap<string, Value>,
  { key, operator, value: wanted }: Condition,
): boolean {
  const value = values.get(key);
  if (value === undefined) return false;
  if (operator === '=') return equals(value, wanted);
  if (operator === '!=') return !equals(value, wanted);
  const order = compare(key, value, wanted);
  switch (operator) {
    case '<':
      return order < 0;
    case '>':
      return order > 0;
    case '<=':
      return order <= 0;
    case '>=':
      return order >= 0;
    default:
      return operator satisfies never;
  }
}

function equals(value: Value, wanted: string): boolean {
  if (typeof value === 'number') return Number.isNaN(value) ? wanted === 'NaN' : value === Number(wanted);
  if (!wanted.includes('*')) return String(value) === wanted;
  const pattern = wanted
    .split('*')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${pattern}$`, 's').test(String(value));
}

/** Negative: `value` is less. NaN, which no comparison holds for, is told by NaN. */
function compare(key: string, value: Value, wanted: string): number {
  if (typeof value === 'string') return value < wanted ? -1 : value > wanted ? 1 : 0;
  const number = Number(wanted);
  if (typeof value === 'number' && !Number.isNaN(number)) return value === number ? 0 : value - number;
  throw new LockstepError(
    'config',
    typeof value === 'number'
      ? `${key} is a number, and '${wanted}' is none; write ${key}>0.01`
      : `${key} is true or false; write ${key}=${String(value)}`,
    { key, value, wanted },
  );
}
