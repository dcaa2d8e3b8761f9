/** Samples as text: pictures of block characters, the cells of a row, text. */
import type { SampleView } from '@lockstep/replay';
import { quoted } from './format.ts';

const shades = [' ', '░', '▒', '▓', '█'];
const maxNumbers = 24;

/** A sample on one or several lines. A picture and the cells of a row have lines of at most `width` characters. */
export function sampleLines({ content }: SampleView, width: number): readonly string[] {
  switch (content.kind) {
    case 'image':
      return pictureLines(content.shape, content.pixels, width);
    case 'row':
      return packed(
        Object.entries(content.values).map(([name, value]) => `${name}=${cellText(value)}`),
        width,
      );
    case 'text':
      return [`text  ${JSON.stringify(content.text)}`, `next  ${JSON.stringify(content.next)}`];
    case 'numbers':
      return [numbersText(content.x)];
    default:
      return content satisfies never;
  }
}

/** Texts side by side, in as few lines of at most `width` characters as their order allows. */
function packed(texts: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const text of texts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 2 + text.length <= width)
      lines[lines.length - 1] = `${last}  ${text}`;
    else lines.push(text);
  }
  return lines;
}

/** What tells a sample from others in a few characters: its class, or the beginning of a text. Empty where there is nothing. */
export function sampleBrief({ content, label }: SampleView): string {
  if (content.kind === 'text') return quoted(content.text.slice(0, 16));
  return label === undefined ? '' : labelText(label);
}

export function labelText(label: NonNullable<SampleView['label']>): string {
  return typeof label === 'string' ? label : numbersText(label);
}

const cellText = (value: number | string): string =>
  typeof value === 'number' ? shortNumber(value) : /\s|=/.test(value) ? JSON.stringify(value) : value;

/** At most six digits: what is left of rounding in float32 does not show. */
const shortNumber = (value: number): string => String(Number(value.toPrecision(6)));

function numbersText(x: unknown): string {
  const numbers = [x].flat(Number.POSITIVE_INFINITY as 1) as readonly number[];
  const shown = numbers.slice(0, maxNumbers).map(shortNumber).join(' ');
  return numbers.length <= maxNumbers ? shown : `${shown} … (${numbers.length} numbers)`;
}

/**
 * One character for two pixels, one above the other, since characters are twice as high as wide. The least value of the picture is
 * blank, the greatest a full block. A picture that is wider than `width` is shrunk by a whole factor.
 */
function pictureLines(
  [h, w, c]: readonly [number, number, number],
  pixels: readonly number[],
  width: number,
): string[] {
  const light = lightOf(pixels, c);
  const finite = light.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const factor = Math.max(1, Math.ceil(w / Math.max(1, width)));
  const mean = (top: number, left: number): number => {
    let [sum, count] = [0, 0];
    for (let y = top; y < Math.min(h, top + 2 * factor); y++) {
      for (let x = left; x < Math.min(w, left + factor); x++) {
        sum += light[y * w + x]!;
        count++;
      }
    }
    return sum / count;
  };
  const shade = (value: number): string => {
    if (!Number.isFinite(value)) return '?';
    const level = high === low ? 0 : (value - low) / (high - low);
    return shades[Math.min(shades.length - 1, Math.floor(level * shades.length))]!;
  };
  const columns = Array.from({ length: Math.ceil(w / factor) }, (_, i) => i * factor);
  const rows = Array.from({ length: Math.ceil(h / (2 * factor)) }, (_, i) => i * 2 * factor);
  return rows.map((top) =>
    columns
      .map((left) => shade(mean(top, left)))
      .join('')
      .trimEnd(),
  );
}

/** The luminance of each pixel, by the weights of Rec. 601. */
function lightOf(pixels: readonly number[], channels: number): readonly number[] {
  if (channels === 1) return pixels;
  return Array.from({ length: pixels.length / channels }, (_, i) => {
    const [red, green, blue] = pixels.slice(i * channels, i * channels + 3) as [number, number, number];
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  });
}
