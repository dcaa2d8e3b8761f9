/** What each worker's steps took: compute, exchange and waiting. */
import {
  bytesText,
  countText,
  millisecondsText,
  percentText,
  type Work,
  type WorkField,
} from '@lockstep/view';
import { type App, allSteps, currentRun, type View } from './app.ts';
import { h, s } from './dom.ts';
import { programChart } from './program.ts';
import { createPicker } from './run-picker.ts';
import type { ShownRun } from './store.ts';

interface Part {
  readonly name: string;
  readonly title: string;
  /** Of one column, in milliseconds. */
  readonly of: (work: Work, i: number) => number;
}

/** From the bottom of each bar. Each has a pattern of its own, so that its colour is not the only sign. */
const parts: readonly Part[] = [
  { name: 'compute', title: 'Compute', of: (work, i) => work.computeMs[i]! },
  { name: 'network', title: 'Network', of: (work, i) => work.networkMs[i]! },
  { name: 'wait', title: 'Wait', of: (work, i) => work.waitMs[i]! },
  {
    name: 'other',
    title: 'Other',
    of: (work, i) => Math.max(0, work.stepMs[i]! - work.computeMs[i]! - work.networkMs[i]! - work.waitMs[i]!),
  },
];

export function createWorkersView(app: App): View {
  const picker = createPicker(app);
  const content = h('div', { class: 'workers' });
  return {
    element: h('div', {}, patterns(), picker.element, content),
    close: () => undefined,
    update() {
      picker.update();
      const run = currentRun(app);
      const rows = run === undefined ? [] : rowsOf(run);
      if (run === undefined || rows.length === 0) {
        content.replaceChildren(h('p', { class: 'empty' }, 'No worker has computed a step yet.'));
        return;
      }
      const { from, to } = app.keeper.state.zoom ?? allSteps([run]);
      content.replaceChildren(
        legend(),
        table(rows),
        h(
          'h2',
          {},
          `Time of a step, from step ${countText(Math.round(from))} to ${countText(Math.round(to))}`,
        ),
        ...strips(rows, from, to),
        ...(run.program.length === 0
          ? []
          : [h('h2', {}, 'Segments and exchanges of a step, from the trace'), programChart(run.program)]),
      );
    },
  };
}

interface WorkerRow {
  readonly rank: number;
  readonly name: string;
  readonly work: Work;
}

/** Members of now before those that left. */
function rowsOf(run: ShownRun): readonly WorkerRow[] {
  const { workers, generations } = run.timeline;
  const lines = new Map(workers.map((line) => [line.worker, line]));
  const newest = generations.at(-1)?.generation;
  return [...run.workers]
    .map(([worker, { rank, work: growing }]) => {
      const { host, pid, memberships = [] } = lines.get(worker) ?? {};
      const where =
        host === undefined ? worker.slice(0, 8) : `${host}${pid === undefined ? '' : `, process ${pid}`}`;
      const work = growing.get();
      const isMember = newest === undefined || memberships.at(-1)?.generation === newest;
      const last = (work.columns.at(-1) ?? 0) + work.width - 1;
      return { rank, isMember, work, name: isMember ? where : `${where}, until step ${last}` };
    })
    .sort((a, b) => Number(b.isMember) - Number(a.isMember) || a.rank - b.rank);
}

function legend(): HTMLElement {
  const items = parts.map(({ name, title }) => {
    const swatch = s(
      'svg',
      { width: 18, height: 12, 'aria-hidden': 'true' },
      s('rect', { width: 18, height: 12, rx: 2, class: `part-${name}` }),
    );
    return h('li', {}, swatch, title);
  });
  return h('ul', { class: 'legend parts', 'aria-label': 'Parts of a step' }, ...items);
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

function table(rows: readonly WorkerRow[]): HTMLElement {
  const heads = [
    'Rank',
    'Worker',
    'Steps',
    'Mean step',
    ...parts.map(({ title }) => title),
    'Sent each step',
    'Share of the time',
  ];
  const body = rows.map(({ rank, name, work }) => {
    const steps = sum(work.counts);
    const total = sum(work.stepMs) || 1;
    const shares = parts.map(({ of }) => {
      let ms = 0;
      for (let i = 0; i < work.columns.length; i++) ms += of(work, i);
      return ms / total;
    });
    const mean = (field: WorkField): number => sum(work[field]) / Math.max(1, steps);
    return h(
      'tr',
      {},
      h('td', { class: 'number' }, String(rank)),
      h('th', { scope: 'row' }, name),
      h('td', { class: 'number' }, countText(steps)),
      h('td', { class: 'number' }, millisecondsText(mean('stepMs'))),
      ...shares.map((share) => h('td', { class: 'number' }, percentText(share))),
      h('td', { class: 'number' }, bytesText(mean('sentBytes'))),
      h('td', {}, shareBar(shares)),
    );
  });
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Table of workers' },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...heads.map((head, i) =>
            h('th', { scope: 'col', class: i !== 1 && i < heads.length - 1 && 'number' }, head),
          ),
        ),
      ),
      h('tbody', {}, ...body),
    ),
  );
}

function shareBar(shares: readonly number[]): SVGElement {
  const width = 180;
  let x = 0;
  const bars = shares.map((share, i) => {
    const bar = s('rect', {
      x: x.toFixed(2),
      y: 0,
      width: (share * width).toFixed(2),
      height: 12,
      class: `part-${parts[i]!.name}`,
    });
    x += share * width;
    return bar;
  });
  return s(
    'svg',
    { width, height: 12, viewBox: `0 0 ${width} 12`, class: 'share', 'aria-hidden': 'true' },
    ...bars,
  );
}

const strip = { width: 1_000, height: 56 };

/** Of each worker the parts of its steps on top of each other; all on one scale. */
function strips(rows: readonly WorkerRow[], from: number, to: number): readonly Node[] {
  const most = scaleOf(rows, from, to);
  return rows.map(({ rank, name, work }) => {
    const paths = parts.map((part, level) =>
      s('path', { d: areaPath(work, level, from, to, most), class: `part-${part.name}` }),
    );
    return h(
      'div',
      { class: 'strip' },
      h(
        'p',
        {},
        h('b', {}, `Rank ${rank}`),
        h('span', {}, name),
        h('small', {}, `to ${millisecondsText(most)}`),
      ),
      s(
        'svg',
        {
          viewBox: `0 0 ${strip.width} ${strip.height}`,
          preserveAspectRatio: 'none',
          role: 'img',
          'aria-label': `Rank ${rank}, ${name}: time of each step, up to ${millisecondsText(most)}`,
        },
        ...paths,
      ),
    );
  });
}

/** The time that all but the slowest fiftieth of steps stay under: the first step compiles, and would flatten all others. */
function scaleOf(rows: readonly WorkerRow[], from: number, to: number): number {
  const times = rows.flatMap(({ work }) =>
    Array.from(work.columns, (column, i) => ({ column, ms: work.stepMs[i]! / work.counts[i]! }))
      .filter(({ column }) => column + work.width > from && column <= to)
      .map(({ ms }) => ms),
  );
  times.sort((a, b) => a - b);
  return 1.15 * (times[Math.floor(times.length * 0.98)] ?? times.at(-1) ?? 1);
}

/** The area between the sums of the parts below a level and those up to it. */
function areaPath(work: Work, level: number, from: number, to: number, most: number): string {
  // The last step is as wide as the others.
  const x = (step: number): string => ((strip.width * (step - from)) / (to + 1 - from)).toFixed(1);
  const y = (ms: number): string => (strip.height * (1 - Math.min(1, ms / most))).toFixed(1);
  let path = '';
  for (let i = 0; i < work.columns.length; i++) {
    const begin = work.columns[i]!;
    if (begin + work.width <= from || begin > to) continue;
    const below = sumOfParts(work, i, level) / work.counts[i]!;
    const above = sumOfParts(work, i, level + 1) / work.counts[i]!;
    const [left, right] = [x(begin), x(begin + work.width)];
    path += `M${left} ${y(below)}V${y(above)}H${right}V${y(below)}Z`;
  }
  return path;
}

function sumOfParts(work: Work, i: number, levels: number): number {
  let total = 0;
  for (const { of } of parts.slice(0, levels)) total += of(work, i);
  return total;
}

/** Hatching, to which the style sheet refers. */
function patterns(): SVGElement {
  return s(
    'svg',
    { class: 'patterns', width: 0, height: 0, 'aria-hidden': 'true' },
    s('defs', {}, hatch('network', 'M-1 7L7 -1', 6), hatch('wait', 'M2 2h.01', 4)),
  );
}

function hatch(name: string, d: string, size: number): SVGElement {
  return s(
    'pattern',
    {
      id: `hatch-${name}`,
      class: `hatch-${name}`,
      width: size,
      height: size,
      patternUnits: 'userSpaceOnUse',
    },
    s('rect', { width: size, height: size }),
    s('path', { d, 'stroke-width': 1.8, 'stroke-linecap': 'round' }),
  );
}
