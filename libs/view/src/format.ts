/** Numbers as people read them. */

/** `1,840`; small numbers have a digit after the point. */
export const rateText = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 });

export const countText = (value: number): string => value.toLocaleString('en-US');

/** Shares of samples as a percentage, other metrics with four digits. */
export function metricText(name: string, value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  if (/accuracy$/i.test(name)) return `${(100 * value).toFixed(1)}%`;
  if (/samples\/second$/.test(name)) return rateText(value);
  return numberText(value);
}

/** Four digits that count. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (size >= 1e5 || size < 1e-3) return value.toExponential(2).replace('e+', 'e').replaceAll('-', '−');
  const text = size >= 1e4 ? String(Math.round(value)) : value.toPrecision(4);
  return text.replace('-', '−');
}

/** `0:32`, `12:05`, `1:02:03`. */
export function durationText(ms: number): string {
  const whole = Math.max(0, Math.round(ms / 1_000));
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes, seconds] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** `2.4 ms`, `1.20 s`. */
export function millisecondsText(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toPrecision(3)} s`;
  return `${ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}

/** A setting: numbers that would be long have four digits that count. */
export const settingText = (value: string | number | boolean): string =>
  typeof value === 'number' && String(value).length > 8 ? numberText(value) : String(value);

/** Two digits that count, as one writes the spread of a value. */
export const spreadText = (spread: number): string =>
  spread !== 0 && spread < 1e-6 ? numberText(spread) : String(Number(spread.toPrecision(2)));

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toPrecision(3)} ${units[unit]}`;
}

export const percentText = (share: number): string => `${(100 * share).toFixed(1)}%`;

/** A short form such as `3f9c61d0…e1d0`, enough to compare by eye. */
export const shortHash = (hash: string): string =>
  hash.length <= 12 ? hash : `${hash.slice(0, 8)}…${hash.slice(-4)}`;

/** What the settings of some runs differ in, for each run: `rate=0.01 width=64`. Empty where they do not differ. */
export function differences(
  settings: readonly Readonly<Record<string, string | number | boolean | undefined>>[],
): readonly string[] {
  const names = [...new Set(settings.flatMap((one) => Object.keys(one)))];
  const differing = names.filter((name) => new Set(settings.map((one) => one[name])).size > 1);
  return settings.map((one) =>
    differing
      .filter((name) => one[name] !== undefined)
      .map((name) => `${name}=${one[name]}`)
      .join(' '),
  );
}
