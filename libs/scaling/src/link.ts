/** A link between machines, as it is written on a command line. */
import { LockstepError } from '@lockstep/errors';

export interface NetworkLink {
  /** Of each machine, in each direction at the same time. */
  readonly bitsPerSecond: number;
  /** From one machine to another, one way. */
  readonly latencyMs: number;
}

const bitUnits: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
const timeUnits: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3 };

/**
 * The rate of a link in bits per second: `1Gbit`, `100 Mbit/s`, `25Gbps`, or in bytes `125MB/s`.
 *
 * @throws LockstepError `config` for another form
 */
export function parseRate(text: string): number {
  const [, amount, prefix, unit] =
    /^([\d.]+)\s*([kmgt]?)(bits?|bps|b|B)(?:\/s)?$/.exec(
      text.replace(/[KMGT](?=[bB])/, (p) => p.toLowerCase()),
    ) ?? [];
  const rate = Number(amount) * bitUnits[prefix ?? '']! * (unit === 'B' ? 8 : 1);
  if (unit !== undefined && Number.isFinite(rate) && rate > 0) return rate;
  throw new LockstepError(
    'config',
    `--link must be a rate such as 1Gbit, 100Mbit or 125MB (bytes), per second, not '${text}'`,
    { given: text },
  );
}

/**
 * A time in milliseconds: `0.2ms`, `50us`, `1s`.
 *
 * @throws LockstepError `config` for another form
 */
export function parseLatency(text: string): number {
  const [, amount, unit] = /^([\d.]+)\s*(ns|us|µs|ms|s)$/.exec(text) ?? [];
  const latencyMs = Number(amount) * timeUnits[unit ?? '']!;
  if (unit !== undefined && Number.isFinite(latencyMs)) return latencyMs;
  throw new LockstepError(
    'config',
    `--latency must be a time such as 0.2ms, 50us or 1s, from one machine to another, not '${text}'`,
    { given: text },
  );
}

/** A rate with three digits: `94.1 Mbit/s`. */
export function rateText(bitsPerSecond: number): string {
  const [unit, size] = Object.entries({ Tbit: 1e12, Gbit: 1e9, Mbit: 1e6, kbit: 1e3 }).find(
    ([, of]) => bitsPerSecond >= of,
  ) ?? ['bit', 1];
  return `${Number((bitsPerSecond / size).toPrecision(3))} ${unit}/s`;
}
