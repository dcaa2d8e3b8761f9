/** The documentation, the board and the alerts know the metrics that a run has, and no others. */
import { readFileSync } from 'node:fs';
import { type Family, families } from '@lockstep/coordinator';
import { describe, expect, it } from 'vitest';
import { labelsOf, seriesOf } from './promql.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const table: readonly (readonly [string, Family])[] = Object.entries(families);

/** Every name of a series that `/metrics` may have. */
const series = new Set(
  table.flatMap(([name, { type }]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);

/** Labels that a series may have: its own, that of a histogram, and those that Prometheus adds. */
const labels = new Set(['instance', 'job', 'le', ...table.flatMap(([, family]) => family.labels ?? [])]);

const unknownIn = (expression: string): readonly string[] => [
  ...seriesOf(expression).filter((name) => !series.has(name)),
  ...labelsOf(expression).filter((name) => !labels.has(name)),
];

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
  readonly datasource?: unknown;
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly datasource: unknown;
  }[];
}

interface Board {
  readonly title: string;
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly time: Readonly<Record<'from' | 'to', string>>;
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: unknown }[];
  };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

describe('docs/monitoring.md', () => {
  it('lists every metric with its type, labels and meaning', () => {
    const rows = table.map(([name, { type, labels = [], help }]) => {
      const list = labels.map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | ${type} | ${list} | ${help} |`;
    });
    const lines = read('docs/monitoring.md').split('\n');
    expect(lines.filter((line) => /^\| `(?:lockstep|process)_/.test(line))).toEqual(rows);
  });

  it('has expressions of metrics that exist', () => {
    const expressions = Array.from(
      read('docs/monitoring.md').matchAll(/^\| [^|]+ \| `([^`]*lockstep_[^`]*)` \|$/gm),
    );
    expect(expressions.length).toBeGreaterThan(2);
    for (const [, expression] of expressions) expect(unknownIn(expression!)).toEqual([]);
  });
});

describe('the board of Grafana', () => {
  const board = JSON.parse(read('deploy/grafana/lockstep.json')) as Board;
  const panels = board.panels.filter(({ type }) => type !== 'row');

  it('has what Grafana needs to import it', () => {
    expect(board).toMatchObject({
      title: expect.stringMatching(/./),
      uid: expect.stringMatching(/^[\w-]{1,40}$/),
    });
    // Since this version panels name their source of data as an object.
    expect(board.schemaVersion).toBeGreaterThanOrEqual(36);
    expect(board.time).toEqual({ from: expect.stringMatching(/^now/), to: 'now' });
    expect(board).not.toHaveProperty('id');
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length);
    const variables = board.templating.list.map(({ name }) => name);
    expect(variables).toEqual(['datasource', 'instance']);
    for (const { title, type, datasource, targets = [] } of panels) {
      expect(title).toMatch(/./);
      expect(['stat', 'timeseries', 'table']).toContain(type);
      expect(datasource).toEqual({ type: 'prometheus', uid: `\${datasource}` });
      expect(targets.length).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      for (const target of targets) expect(target.datasource).toEqual(datasource);
    }
  });

  it('has panels side by side, none over another', () => {
    const cells = new Set<string>();
    for (const { gridPos, title } of board.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.has(`${x},${y}`), title).toBe(false);
          cells.add(`${x},${y}`);
        }
      }
    }
  });

  it('draws metrics that exist, of the chosen run alone', () => {
    const expressions = [...panels.flatMap(({ targets = [] }) => targets), ...board.annotations.list];
    expect(expressions.length).toBeGreaterThan(25);
    for (const { expr } of expressions) {
      expect(unknownIn(expr), expr).toEqual([]);
      const selections = expr.match(/\{[^}]*\}/g) ?? [];
      expect(selections.length, expr).toBe(seriesOf(expr).length);
      for (const selection of selections) expect(selection).toContain('instance=~"$instance"');
    }
  });

  it('leaves out only what other panels and alerts imply', () => {
    const drawn = new Set(
      panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => seriesOf(expr))),
    );
    const left = [...series].filter((name) => !drawn.has(name));
    expect(left).toEqual([
      'lockstep_last_step_timestamp_seconds',
      'lockstep_evaluations_total',
      'lockstep_worker_steps_total',
      'lockstep_worker_received_bytes_total',
      'lockstep_checkpoints_total',
      'process_start_time_seconds',
    ]);
  });
});

it('alerts read metrics that exist', () => {
  const rules = Array.from(
    read('deploy/prometheus/alerts.yml').matchAll(/ expr: (>-\n)?(.*(?:\n {10}\/.*)?)/g),
    ([, , expr]) => expr!,
  );
  expect(rules.length).toBe(5);
  for (const rule of rules) {
    expect(seriesOf(rule).length).toBeGreaterThan(0);
    expect(unknownIn(rule), rule).toEqual([]);
  }
});

describe('names in an expression', () => {
  it('are found, and unknown ones are noticed', () => {
    const expression =
      'sum by (instance) (rate(lockstep_losses_total{reason="left"}[5m])) > on (job) lockstep_lost * 2e3';
    expect(seriesOf(expression)).toEqual(['lockstep_losses_total', 'lockstep_lost']);
    expect(labelsOf(expression)).toEqual(['reason', 'instance', 'job']);
    expect(unknownIn(expression)).toEqual(['lockstep_lost']);
    expect(unknownIn('lockstep_losses_total{worker="a"}')).toEqual(['worker']);
  });
});
