/** Prometheus itself reads a run while it trains, and finds the numbers that the run's folder has. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { root, startCommand } from '../cluster/harness/command.ts';

const isInstalled = spawnSync('prometheus', ['--version']).error === undefined;
if (!isInstalled) {
  process.stderr.write('skipped the test with Prometheus: install the package prometheus\n');
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** Of a range: times in seconds since 1970, and values as text. */
  readonly values?: readonly (readonly [number, string])[];
  /** Of an instant. */
  readonly value?: readonly [number, string];
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-prometheus-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Scrapes the page four times a second: with its token, and in another job without it. */
async function startPrometheus(target: string, token: string) {
  const config = join(folder, 'prometheus.yml');
  const job = (name: string, more: object) => ({
    ...{ job_name: name, scrape_interval: '250ms', scrape_timeout: '250ms' },
    ...more,
    static_configs: [{ targets: [target] }],
  });
  // JSON is YAML.
  const jobs = [job('lockstep', { authorization: { credentials: token } }), job('stranger', {})];
  await writeFile(config, JSON.stringify({ scrape_configs: jobs }));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    'prometheus',
    [
      ...[`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'data')}`],
      ...[`--web.listen-address=${address}`, '--log.level=error'],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  return {
    /** The answer to an instant query. */
    async query(expression: string): Promise<readonly Series[]> {
      const url = `http://${address}/api/v1/query?query=${encodeURIComponent(expression)}`;
      // Refused until Prometheus listens.
      const response = await fetch(url).catch(() => undefined);
      if (response === undefined || response.status === 503) return [];
      const { status, data, error } = (await response.json()) as {
        readonly status: string;
        readonly error?: string;
        readonly data: { readonly result: readonly Series[] };
      };
      if (status !== 'success') throw new Error(`${expression}: ${error}`);
      return data.result;
    },
  };
}

type Line = Readonly<Record<string, unknown>>;

/** The values that lines of `metrics.jsonl` come to, by the names of series: an account of its own. */
function accountOf(lines: readonly Line[]): Map<string, number> {
  const account = new Map<string, number>();
  const sums = new Map<string, number>();
  const add = (map: Map<string, number>, key: string, value: number) =>
    map.set(key, (map.get(key) ?? 0) + value);
  for (const line of lines) {
    const metrics = (line.metrics ?? {}) as Readonly<Record<string, number>>;
    if (line.kind === 'step') {
      add(account, 'lockstep_steps_total', 1);
      account.set('lockstep_step', Number(line.step));
      account.set('lockstep_target_steps', Number(line.totalSteps));
      account.set('lockstep_loss', metrics.loss!);
      account.set('lockstep_gradient_norm', metrics.gradientNorm!);
      account.set('lockstep_step_metric accuracy', metrics.accuracy!);
    } else if (line.kind === 'evaluation') {
      add(account, 'lockstep_evaluations_total', 1);
      for (const [name, value] of Object.entries(metrics))
        account.set(`lockstep_evaluation_metric ${name}`, value);
    } else {
      const { rank } = line;
      add(account, `lockstep_worker_steps_total ${rank}`, 1);
      for (const [field, name] of [
        ['stepMs', 'step'],
        ['computeMs', 'compute'],
        ['waitMs', 'wait'],
        ['networkMs', 'network'],
      ] as const) {
        add(sums, `lockstep_worker_${name}_seconds_total ${rank}`, Number(line[field]));
      }
      add(account, `lockstep_worker_sent_bytes_total ${rank}`, Number(line.sentBytes));
      add(account, `lockstep_worker_received_bytes_total ${rank}`, Number(line.receivedBytes));
    }
  }
  for (const [name, ms] of sums) account.set(name, ms / 1_000);
  return account;
}

/** The values of each scrape, by the time of the scrape. */
function scrapesOf(series: readonly Series[]): readonly ReadonlyMap<string, number>[] {
  const scrapes = new Map<number, Map<string, number>>();
  for (const { metric, values = [] } of series) {
    const { __name__: name, rank, metric: named } = metric;
    const key = [name, rank ?? named].filter((part) => part !== undefined).join(' ');
    for (const [time, value] of values) {
      if (!scrapes.has(time)) scrapes.set(time, new Map());
      scrapes.get(time)!.set(key, Number(value));
    }
  }
  return [...scrapes].sort(([a], [b]) => a - b).map(([, values]) => values);
}

const sumOf = (scrape: ReadonlyMap<string, number>, names: RegExp): number =>
  [...scrape].reduce((sum, [name, value]) => (names.test(name) ? sum + value : sum), 0);

describe.skipIf(!isInstalled)('Prometheus', { timeout: 240_000 }, () => {
  it('reads of a run that trains, at every scrape, what metrics.jsonl had at that moment', async () => {
    const options = ['--workers', '2', '--threads', '1', '--limit-samples', '6000', '--epochs', '12'];
    const command = startCommand([
      ...[
        'train',
        'experiments/mnist-cnn.ts',
        ...options,
        '--page',
        '0.0.0.0:0',
        '--run-root',
        folder,
        '--json',
      ],
    ]);
    const { run } = await command.event('started');
    const page = new URL(`${(await command.event('page')).address}`);
    const target = `127.0.0.1:${page.port}`;
    expect((await fetch(`http://${target}/healthz`)).status).toBe(200);
    expect((await fetch(`http://${target}/metrics`)).status).toBe(401);
    const prometheus = await startPrometheus(target, page.searchParams.get('token')!);
    await command.event('generation');
    expect((await fetch(`http://${target}/readyz`)).status).toBe(200);
    const reached = async () =>
      Number((await prometheus.query('lockstep_step[1h]'))[0]?.values?.at(-1)?.[1] ?? 0);
    await expect.poll(reached, { timeout: 60_000 }).toBeGreaterThan(25);
    // What the board draws has values, apart from metrics that only some runs have.
    const board = JSON.parse(await readFile(join(root, 'deploy/grafana/lockstep.json'), 'utf8'));
    const expressions = boardExpressions(board);
    expect(expressions.length).toBeGreaterThan(25);
    for (const expression of expressions) {
      const isOptional = /learning_rate|evaluation_metric|checkpoint_step/.test(expression);
      // A rate needs two scrapes.
      const numFound = async () => (await prometheus.query(expression)).length;
      if (isOptional) await numFound();
      else await expect.poll(numFound, { timeout: 30_000, message: expression }).toBeGreaterThan(0);
    }
    const { pid } = await command.event('joined', 2);
    process.kill(Number(pid), 'SIGKILL');
    await command.event('generation', 2);
    await command.event('done');
    expect(await command.exited).toBe(0);

    const text = await readFile(join(`${run}`, 'metrics.jsonl'), 'utf8');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    const scrapes = scrapesOf(await prometheus.query('{job="lockstep"}[1h]')).filter((scrape) =>
      scrape.has('lockstep_step'),
    );
    expect(scrapes.length).toBeGreaterThan(8);
    let latest = 0;
    for (const scrape of scrapes) {
      // Every line of the file is counted in one of three ways, so the scrape tells how many there were.
      const numLines = sumOf(scrape, /^lockstep_(?:worker_steps|steps|evaluations)_total/);
      const account = accountOf(lines.slice(0, numLines));
      for (const [name, value] of account) expect([name, scrape.get(name)]).toEqual([name, value]);
      latest = numLines;
    }
    expect(latest).toBeGreaterThan(60);
    const last = scrapes.at(-1)!;
    expect(last.get('lockstep_joins_total')).toBeGreaterThanOrEqual(2);
    expect(last.get('lockstep_batch_samples')).toBe(256);
    // Without the token nothing is read.
    const ups = await prometheus.query('max_over_time(up[1h])');
    const byJob = Object.fromEntries(ups.map(({ metric, value }) => [metric.job, Number(value![1])]));
    expect(byJob).toEqual({ lockstep: 1, stranger: 0 });
  });

  it('accepts the configuration, the alerts and the board that are delivered', async () => {
    await cp(join(root, 'deploy/prometheus'), folder, { recursive: true });
    const check = (...args: readonly string[]) =>
      execFileSync('promtool', ['check', ...args], { encoding: 'utf8' });
    expect(check('config', join(folder, 'prometheus.yml'))).toContain('5 rules found');
    const board = JSON.parse(await readFile(join(root, 'deploy/grafana/lockstep.json'), 'utf8'));
    const rules = boardExpressions(board).map((expr, i) => ({ record: `board:expression_${i}`, expr }));
    const path = join(folder, 'board.yml');
    await writeFile(path, JSON.stringify({ groups: [{ name: 'board', rules }] }));
    expect(check('rules', path)).toContain(`${rules.length} rules found`);
  });
});

/** The expressions of all panels, with values for the board's variables. */
function boardExpressions(board: {
  readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
}): readonly string[] {
  return board.panels
    .flatMap(({ targets = [] }) => targets)
    .map(({ expr }) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.+'));
}
