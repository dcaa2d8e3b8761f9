/** Colours of the signs at the beginning of lines, on terminals that have them. The signs say the same without a colour. */
import type { Stream } from '../terminal.ts';

const [red, green, yellow] = [31, 32, 33];
const colours: Readonly<Record<string, number>> = { '!': yellow, '■': yellow, '✓': green, '✗': red };

export function coloured(text: string, { hasColours }: Pick<Stream, 'hasColours'>): string {
  if (!hasColours) return text;
  return text.replace(/^( *)([!■✓✗])(?= )/, (_, indent: string, sign: string) => {
    return `${indent}\x1b[${colours[sign]}m${sign}\x1b[0m`;
  });
}
