/** Who took part, and when: a line for each worker, with generations, losses and notices. */
import { durationText, type Mark, type Span, type Timeline, type WorkerLine } from '@lockstep/view';
import { type App, currentRun, type View } from './app.ts';
import { h, s } from './dom.ts';
import { createPicker } from './run-picker.ts';

export function createMembersView(app: App): View {
  const picker = createPicker(app);
  const drawing = h('div', { class: 'timeline' });
  const content = h('div', { class: 'members' });
  const element = h('div', {}, picker.element, drawing, content);
  let shape = '';
  const update = (): void => {
    picker.update();
    const timeline = currentRun(app)?.timeline;
    const isOpen = timeline?.sessions.at(-1)?.to === undefined;
    const width = Math.max(320, element.clientWidth);
    const now = app.store.time;
    const next = JSON.stringify([timeline, width, isOpen && now]);
    if (next === shape) return;
    shape = next;
    if (timeline === undefined || timeline.sessions.length === 0) {
      drawing.replaceChildren(h('p', { class: 'empty' }, 'Nobody has joined yet.'));
      content.replaceChildren();
      return;
    }
    drawing.replaceChildren(draw(timeline, width, now));
    content.replaceChildren(h('h2', {}, 'Events'), eventTable(timeline));
  };
  const resizing = new ResizeObserver(update);
  resizing.observe(element);
  return { element, update, close: () => resizing.disconnect() };
}

const row = 34;
const top = 44;
const gap = 28;

interface Scale {
  /** Pixels of a time in milliseconds since 1970. */
  readonly x: (time: number) => number;
  /** Training time until a time: pauses between sessions do not count. */
  readonly elapsed: (time: number) => number;
  readonly left: number;
  readonly right: number;
  readonly breaks: readonly number[];
}

/** Sessions beside each other, each as long as it took; pauses between them are gaps. */
function scaleOf(sessions: readonly Span[], left: number, right: number, now: number): Scale {
  const spans = sessions.map(({ from, to = Math.max(now, from + 1) }) => ({
    from,
    to: Math.max(to, from + 1),
  }));
  const total = spans.reduce((sum, { from, to }) => sum + to - from, 0);
  const room = right - left - gap * (spans.length - 1);
  const elapsed = (time: number): number =>
    spans.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(time, to) - from), 0);
  const index = (time: number): number =>
    Math.max(
      0,
      spans.findLastIndex(({ from }) => time >= from),
    );
  const x = (time: number): number => left + (room * elapsed(time)) / total + gap * index(time);
  const breaks = spans.slice(1).map(({ from }) => x(from) - gap / 2);
  return { x, elapsed, left, right, breaks };
}

function draw(timeline: Timeline, width: number, now: number): SVGElement {
  const { workers, generations, marks } = timeline;
  const isNarrow = width < 640;
  const scale = scaleOf(timeline.sessions, isNarrow ? 4 : 190, width - 12, now);
  const height = top + workers.length * (isNarrow ? row + 14 : row) + 30;
  const at = (i: number): number => top + i * (isNarrow ? row + 14 : row) + (isNarrow ? 20 : 0);
  const rows = new Map(workers.map(({ worker }, i) => [worker, at(i)]));
  return s(
    'svg',
    { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': describe(timeline) },
    ...scale.breaks.flatMap((x) => [
      s('line', { class: 'break', x1: x, x2: x, y1: 20, y2: height - 26 }),
      s('text', { class: 'tick', x, y: 12, 'text-anchor': 'middle' }, 'resumed'),
    ]),
    ...generationLines(generations, scale, height),
    ...workers.flatMap((line, i) => workerRow(line, at(i), scale, now, isNarrow)),
    ...marks.flatMap((mark) => markOf(mark, scale, rows)),
    ...axis(scale, timeline.sessions, height, now),
  );
}

function describe({ workers, generations, marks }: Timeline): string {
  const losses = marks.filter(({ kind }) => kind === 'loss').length;
  return `${workers.length} workers, ${generations.length} generations, ${losses} losses; the table of events says the same`;
}

/** As much of the name as has room before the next generation. */
function generationLines(generations: Timeline['generations'], scale: Scale, height: number): Node[] {
  return generations.flatMap(({ generation, step, time }, i) => {
    const x = scale.x(time);
    const next = generations[i + 1];
    const room = (next === undefined ? scale.right : scale.x(next.time)) - x - 8;
    const number = `generation ${generation}`;
    const texts =
      step === 0 ? [number, `${generation}`] : [`${number}, step ${step}`, number, `${generation}`];
    const text = texts.find((one) => 6.4 * one.length < room);
    const line = s('line', { class: 'generation', x1: x, x2: x, y1: 16, y2: height - 26 });
    return text === undefined ? [line] : [line, s('text', { class: 'generation', x: x + 5, y: 29 }, text)];
  });
}

function workerRow(line: WorkerLine, y: number, scale: Scale, now: number, isNarrow: boolean): Node[] {
  const middle = y + row / 2;
  const { host, pid, threads } = line;
  const name = host === undefined ? line.worker.slice(0, 8) : `${host}, ${pid}`;
  const size = threads === undefined ? '' : `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  const label = isNarrow
    ? [
        s('text', { class: 'name', x: 4, y: y - 2 }, name),
        s('text', { class: 'size', x: 10 + 7.2 * name.length, y: y - 2 }, size),
      ]
    : [
        s('text', { class: 'name', x: 4, y: middle - 2 }, name),
        s('text', { class: 'size', x: 4, y: middle + 12 }, size),
      ];
  const connected = line.connected.map(({ from, to = now }) =>
    s('line', { class: 'connected', x1: scale.x(from), x2: scale.x(to), y1: middle, y2: middle }),
  );
  const members = line.memberships.flatMap(({ from, to = now, rank, shards, generation }) => {
    const [x, right] = [scale.x(from), scale.x(to)];
    const width = Math.max(2, right - x - 1);
    const text = `rank ${rank}${shards === undefined ? '' : `, ${shards} ${shards === 1 ? 'shard' : 'shards'}`}`;
    const title = s('title', {}, `${name}: generation ${generation}, ${text}`);
    const bar = s('rect', { class: 'member', x, y: middle - 9, width, height: 18, rx: 4 }, title);
    const shown = [text, `rank ${rank}`, `${rank}`].find((one) => width - 12 > 6.2 * one.length);
    return shown === undefined
      ? [bar]
      : [bar, s('text', { class: 'member', x: x + 8, y: middle + 4 }, shown)];
  });
  return [...label, ...connected, ...members];
}

/** A loss is a cross on the worker's line; other marks are triangles at the bottom of their place. */
function markOf({ kind, time, worker, text }: Mark, scale: Scale, rows: ReadonlyMap<string, number>): Node[] {
  const y = worker === undefined ? undefined : rows.get(worker);
  const x = scale.x(time);
  const title = s('title', {}, text);
  if (kind === 'loss' && y !== undefined) {
    const middle = y + row / 2;
    const d = `M${x - 5} ${middle - 5}l10 10m0 -10l-10 10`;
    return [s('path', { class: 'loss', d }, title)];
  }
  if (kind === 'end') return [];
  return [s('path', { class: 'note', d: `M${x} ${y === undefined ? 36 : y + 4}l-4 7h8z` }, title)];
}

function axis(scale: Scale, sessions: readonly Span[], height: number, now: number): Node[] {
  const { from } = sessions[0]!;
  const to = sessions.at(-1)!.to ?? now;
  const y = height - 8;
  const total = scale.elapsed(to);
  const count = scale.right - scale.left < 500 ? 3 : 6;
  const stride = niceStride(total / count);
  const ticks: Node[] = [];
  for (let ms = 0; ms <= total; ms += stride) {
    const x = scale.x(timeAt(sessions, ms, now) ?? from);
    ticks.push(
      s(
        'text',
        { class: 'tick', x, y, 'text-anchor': ms === 0 ? 'start' : 'middle' },
        stride < 1_000 ? `${(ms / 1_000).toFixed(1)} s` : durationText(ms),
      ),
    );
  }
  return ticks;
}

/** The time at which so much training time had passed. */
function timeAt(sessions: readonly Span[], ms: number, now: number): number | undefined {
  let rest = ms;
  for (const { from, to = now } of sessions) {
    if (rest <= to - from) return from + rest;
    rest -= to - from;
  }
  return undefined;
}

const strides = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400];

const niceStride = (ms: number): number =>
  1_000 * (strides.find((seconds) => seconds * 1_000 >= ms) ?? ms / 1_000);

function eventTable(timeline: Timeline): HTMLElement {
  const { sessions, workers, generations, marks } = timeline;
  const names = new Map(
    workers.map(({ worker, host, pid }) => [
      worker,
      host === undefined ? worker.slice(0, 8) : `${host}, ${pid}`,
    ]),
  );
  const rows = [
    ...sessions.map(({ from }, i) => ({
      time: from,
      who: '',
      text: i === 0 ? 'the coordinator started' : 'the run was resumed',
    })),
    ...workers.flatMap(({ worker, connected }) =>
      connected.map(({ from }) => ({ time: from, who: names.get(worker)!, text: 'joined' })),
    ),
    ...generations.map(({ time, generation, step, worldSize }) => ({
      time,
      who: '',
      text: `generation ${generation} began after step ${step} with ${worldSize} ${worldSize === 1 ? 'worker' : 'workers'}`,
    })),
    ...marks.map(({ time, worker = '', text }) => ({ time, who: names.get(worker) ?? '', text })),
  ].sort((a, b) => a.time - b.time);
  const shown = rows.slice(-400);
  const body = shown.map(({ time, who, text }, i) =>
    h(
      'tr',
      {},
      h('td', { class: 'number' }, clockText(time, shown[i - 1]?.time)),
      h('td', {}, who),
      h('td', {}, text),
    ),
  );
  return h(
    'div',
    { class: 'scroll events', tabindex: 0, role: 'region', 'aria-label': 'Events' },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col', class: 'number' }, 'Time, UTC'),
          h('th', { scope: 'col' }, 'Worker'),
          h('th', { scope: 'col' }, 'Event'),
        ),
      ),
      h('tbody', {}, ...body),
    ),
  );
}

/** The day as well where it is another than that of the row before. */
function clockText(time: number, before: number | undefined): string {
  const [day, clock] = new Date(time).toISOString().slice(0, 19).split('T');
  const isSame = before !== undefined && new Date(before).toISOString().startsWith(day!);
  return isSame ? clock! : `${day} ${clock}`;
}
