/** Formats numbers for people, fitted into a line. */

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const levels = '▁▂▃▄▅▆▇█';

/** A bar `▕████▊   ▏`, with `cells` characters between its ends. */
export function bar(fraction: number, cells: number): string {
  const filled = Math.round(Math.min(Math.max(fraction, 0), 1) * cells * 8);
  const full = '█'.repeat(Math.floor(filled / 8));
  return `▕${`${full}${eighths[filled % 8]!}`.padEnd(cells)}▏`;
}

/** The values as `▇▅▃▁`, the lowest at the bottom. Shows means where there are more values than cells. */
export function sparkline(values: readonly number[], cells: number): string {
  const finite = values.filter(Number.isFinite);
  const width = Math.min(cells, finite.length);
  const means = Array.from({ length: width }, (_, cell) => {
    const part = finite.slice(
      Math.floor((cell * finite.length) / width),
      Math.floor(((cell + 1) * finite.length) / width),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const low = Math.min(...means);
  const range = Math.max(...means) - low;
  return means
    .map((mean) => levels[range === 0 ? 0 : Math.round(((mean - low) / range) * (levels.length - 1))])
    .join('');
}

/** Counts as `▁▃█▅ ▁`: a blank for none, the highest for the most. */
export function histogramLine(counts: readonly number[]): string {
  const most = Math.max(...counts);
  return counts
    .map((count) => (count === 0 ? ' ' : levels[Math.ceil((count / most) * levels.length) - 1]))
    .join('');
}

/** `0:32`, `12:05`, `1:02:03`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A number such as `1,840`. Only small numbers have digits after the point. */
export function rate(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 });
}

/** Shares of samples as a percentage, other metrics with four digits. */
export function metric(name: string, value: number): string {
  if (/accuracy$/i.test(name)) return `${(100 * value).toFixed(1)}%`;
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3)
    ? value.toExponential(2)
    : value.toPrecision(4);
}

export function plural(count: number, noun: string): string {
  return `${rate(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A short form such as `3f9c…e1d0`, enough to compare by eye. */
export function shortHash(hash: string): string {
  return hash.length <= 12 ? hash : `${hash.slice(0, 8)}…${hash.slice(-4)}`;
}

/** A given value as messages quote it: on one line, and shortened. */
export function quoted(value: unknown): string {
  const text = String(value);
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what would move a terminal's cursor is shown instead
  return `'${short.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => JSON.stringify(char).slice(1, -1))}'`;
}

const noBreakSpace = '\u00a0';

/** A text that `wrapped` does not break, although it has spaces. */
export const unbroken = (text: string): string => text.replaceAll(' ', noBreakSpace);

/**
 * A paragraph broken between words into lines of at most `width` characters. The first line begins with `first`, the others with
 * `rest`, unless a word needs that room. A path that is longer than a line is broken between its folders: names stay whole.
 */
export function wrapped(text: string, width: number, first: string, rest: string): string {
  const lines: string[] = [];
  // Each with the spaces before it.
  const [head = '', ...words] = (text.match(/ *[^ ]+/g) ?? []).flatMap((word) => piecesOf(word, width));
  let line = `${first}${head}`;
  for (const word of words) {
    if (line.length + word.length <= width) line += word;
    else {
      lines.push(line);
      const bare = word.trimStart();
      const needsRoom = bare.length <= width && rest.length + bare.length > width;
      line = needsRoom ? bare : `${rest}${bare}`;
    }
  }
  return [...lines, line].join('\n').replaceAll(noBreakSpace, ' ');
}

/** An address stays whole, since terminals let people open it. */
function piecesOf(word: string, width: number): readonly string[] {
  const isWhole = word.trimStart().length <= width || word.includes('://');
  return isWhole ? [word] : word.split(/(?<=\/)/);
}
