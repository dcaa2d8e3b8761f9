/** The text format of Prometheus, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats). */
import { type Family, type FamilyName, families } from './families.ts';

export const textFormat = 'text/plain; version=0.0.4; charset=utf-8';

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of a sample of a histogram. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
}

/** Values by family. A family without samples is left out. */
export type Samples = Readonly<Partial<Record<FamilyName, readonly Sample[]>>>;

/** One sample without labels; none for a value that is not known. */
export const single = (value: number | undefined): readonly Sample[] =>
  value === undefined ? [] : [{ value }];

export function textOf(samples: Samples): string {
  const given = (Object.entries(families) as readonly [FamilyName, Family][]).filter(
    ([name]) => (samples[name]?.length ?? 0) > 0,
  );
  return given
    .map(([name, { type, help }]) => {
      const lines = samples[name]!.map((sample) => `${name}${sampleText(sample)}`);
      return [`# HELP ${name} ${escapedHelp(help)}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
    })
    .join('');
}

function sampleText({ labels = {}, value, suffix }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapedLabel(text)}"`);
  return `${suffix ?? ''}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}`;
}

/** In the fewest digits that give the same number when they are read. */
function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

const escapedHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

const escapedLabel = (text: string): string => escapedHelp(text).replaceAll('"', '\\"');
