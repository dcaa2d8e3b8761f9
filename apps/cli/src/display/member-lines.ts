/** A few lines about the members of a run: how each spends a step, and for whom the others wait. */
import { plural } from './format.ts';
import { type MemberTimes, type Waiting, waitingOf } from './member-times.ts';

const signs = { compute: '█', wait: '▒', network: '░' } as const;
const legend = `${signs.compute} compute ${signs.wait} wait ${signs.network} network`;

/** Forms of a member's cell, the widest first. */
const forms = [
  { barCells: 20, hasTime: true },
  { barCells: 10, hasTime: true },
  { barCells: 10, hasTime: false },
  { barCells: 6, hasTime: false },
] as const;

type Form = (typeof forms)[number];

/** A wider form is taken only if it needs no more rows than these. */
const fewRows = 2;
const maxRows = 4;

const indent = '  ';
const gap = '  ';

/** Lines of at most `width` characters; none for one member, for whom nobody waits. */
export function memberLines(members: readonly MemberTimes[], width: number): readonly string[] {
  if (members.length < 2) return [];
  const rows = cellRows(members, width - indent.length);
  const lines = [headText(members, rows !== undefined, width), ...(rows ?? [rangesText(members)])];
  return lines.map((line) => `${indent}${line}`.slice(0, width));
}

/** `2 of 42 ms for rank 3`, for output without bars. Empty where nobody waits long. */
export function waitingText(members: readonly MemberTimes[]): string {
  const waiting = waitingOf(members);
  return waiting === undefined
    ? ''
    : `others wait ${msText(waiting.waitMs)} of ${msText(longest(members))} for ${nameOf(waiting)}`;
}

function headText(members: readonly MemberTimes[], hasBars: boolean, width: number): string {
  const waiting = waitingOf(members);
  const step = `${msText(longest(members))} a step`;
  const others = plural(members.length - 1, 'member');
  const waits = members.length === 2 ? 'waits' : 'wait';
  const contents =
    waiting === undefined
      ? [`${step}, ${plural(members.length, 'member')} wait about equally`, step]
      : [
          `${step}, ${others} ${waits} ${msText(waiting.waitMs)} for ${nameOf(waiting)}`,
          `${step}, ${msText(waiting.waitMs)} for ${nameOf(waiting)}`,
          step,
        ];
  const candidates = [...(hasBars ? [`${contents[0]!}${gap} ${legend}`] : []), ...contents];
  const fitting = candidates.find((text) => indent.length + text.length <= width);
  return fitting ?? step;
}

const nameOf = ({ rank, host }: Waiting): string => `rank ${rank}${host === undefined ? '' : ` on ${host}`}`;

/** The members in rows of cells; undefined if they are too many. */
function cellRows(members: readonly MemberTimes[], width: number): readonly string[] | undefined {
  const fullMs = longest(members);
  const ranks = alignedRight(members.map(({ rank }) => `${rank}`));
  const times = alignedRight(members.map(({ computeMs }) => msText(computeMs)));
  const rowsOf = ({ barCells, hasTime }: Form): readonly string[] => {
    const cells = members.map(
      (member, i) => `${ranks[i]!} ${barOf(member, fullMs, barCells)}${hasTime ? ` ${times[i]!}` : ''}`,
    );
    const perRow = Math.max(1, Math.floor((width + gap.length) / (cells[0]!.length + gap.length)));
    return Array.from({ length: Math.ceil(cells.length / perRow) }, (_, row) =>
      cells.slice(row * perRow, (row + 1) * perRow).join(gap),
    );
  };
  const all = forms.map(rowsOf);
  const rows = all.find(({ length }) => length <= fewRows) ?? all.at(-1)!;
  return rows.length <= maxRows ? rows : undefined;
}

function alignedRight(texts: readonly string[]): readonly string[] {
  const width = Math.max(...texts.map(({ length }) => length));
  return texts.map((text) => text.padStart(width));
}

/** Compute, wait and network of a step, one after the other, on a scale on which `fullMs` fills the cells. */
function barOf({ computeMs, waitMs, networkMs }: MemberTimes, fullMs: number, cells: number): string {
  const ends = [computeMs, computeMs + waitMs, computeMs + waitMs + networkMs].map((ms) =>
    Math.min(cells, Math.round((ms / fullMs) * cells)),
  );
  const parts = [signs.compute, signs.wait, signs.network].map((sign, i) =>
    sign.repeat(Math.max(0, ends[i]! - (ends[i - 1] ?? 0))),
  );
  return parts.join('').padEnd(cells, '·');
}

/** For more members than fit: `64 members: compute 31 to 48 ms, wait 0 to 12 ms`. */
function rangesText(members: readonly MemberTimes[]): string {
  const range = (field: 'computeMs' | 'waitMs'): string => {
    const values = members.map((member) => member[field]);
    return `${number(Math.min(...values))} to ${msText(Math.max(...values))}`;
  };
  return `compute ${range('computeMs')}, wait ${range('waitMs')}`;
}

/** A step takes as long as its slowest member. */
const longest = (members: readonly MemberTimes[]): number => Math.max(...members.map(({ stepMs }) => stepMs));

/** Formatted by hand: `toLocaleString` is slow, and lines of members are drawn ten times a second. */
const number = (ms: number): string => (ms < 9.95 ? ms.toFixed(1) : ms.toFixed(0));

const msText = (ms: number): string => `${number(ms)} ms`;
