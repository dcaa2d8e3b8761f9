/** Run folders whose values follow from their settings, so that pictures are the same every time. */
import { appendFile, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { histogram } from '@lockstep/tensor';

export interface MadeRun {
  readonly id: string;
  readonly name?: string;
  readonly params?: Readonly<Record<string, string | number>>;
  readonly seed?: number;
  readonly steps: number;
  readonly totalSteps?: number;
  /** Members of the last generation. Default 2. */
  readonly workers?: number;
  /** Default: loss, gradientNorm and accuracy. */
  readonly metrics?: readonly string[];
  /** Whether its logs say how it ended. Default true. */
  readonly isFinished?: boolean;
  /** Whether it has histograms. Default false. */
  readonly hasHistograms?: boolean;
  /** A step at which a worker is lost. */
  readonly lossAt?: number;
}

export const makeRoot = (): Promise<string> => mkdtemp(join(tmpdir(), 'lockstep-page-'));

const begin = Date.parse('2026-11-30T10:00:00.000Z');
const timeAt = (seconds: number): string => new Date(begin + 1_000 * seconds).toISOString();

/** Between −1 and 1, without a pattern that one sees. */
function noise(...parts: readonly number[]): number {
  let state = 2_166_136_261;
  for (const part of parts) state = Math.imul(state ^ part, 16_777_619) ^ (state >>> 13);
  state = Math.imul(state ^ (state >>> 15), 2_246_822_519);
  return ((state ^ (state >>> 13)) >>> 0) / 2 ** 31 - 1;
}

function measured(metric: string, step: number, { seed = 1, params = {} }: MadeRun): number {
  const rate = Number(params.rate ?? 0.05);
  const place = metric.length + 31 * (metric.codePointAt(0) ?? 0);
  const fall = 1 / (1 + (rate * step) / 4);
  const jitter = noise(seed, place, step) * 0.08;
  if (metric === 'accuracy') return Math.fround(Math.min(1, 1 - 0.9 * fall + jitter * 0.3));
  return Math.fround((2.3 * fall + 0.05) * (1 + jitter) + place / 1e4);
}

export function stepLines(run: MadeRun, step: number): string {
  const { workers = 2, metrics = ['loss', 'gradientNorm', 'accuracy'], totalSteps = run.steps } = run;
  const lines: object[] = [];
  for (let rank = 0; rank < workers; rank++) {
    const computeMs = 14 + 2 * noise(rank, step) + rank;
    const waitMs = 3 + 2 * noise(rank, step, 1);
    lines.push({
      ...{ kind: 'work', step, generation: 1, worker: `worker-${rank}`, rank, shards: 4 },
      ...{ stepMs: computeMs + waitMs + 2, computeMs, waitMs, networkMs: 1.2, sentBytes: 83_360 },
      receivedBytes: 83_360,
    });
  }
  const values = Object.fromEntries(metrics.map((metric) => [metric, measured(metric, step, run)]));
  const hash = `${run.id}${step}`.replace(/[^0-9a-f]/g, '').padEnd(64, '0');
  const hashes = step % 50 === 0 ? { fingerprint: hash, chain: hash } : { chain: '' };
  lines.push({ kind: 'step', step, ...hashes, metrics: values, totalSteps });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

const logLines = (records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** Returns the folder. */
export async function makeRun(root: string, run: MadeRun): Promise<string> {
  const folder = join(root, run.id);
  await mkdir(folder, { recursive: true });
  const { name = 'digits', params = {}, seed = 1, steps, workers = 2, isFinished = true } = run;
  const manifest = {
    ...{ schemaVersion: 2, name, createdAt: timeAt(Number(params.rate ?? 0) + seed), profile: 'fma' },
    config: { seed, batchSize: 256, numShards: 8, steps: null, params },
    ...{ builds: ['b'.repeat(64)], versions: { lockstep: '0.1.0', node: 'v20.20.2' }, platform: 'linux-x64' },
    machine: { host: 'node-1', cpu: 'AMD EPYC', cores: 2, memoryBytes: 24 * 2 ** 30 },
    ...{ command: ['train', `experiments/${name}.ts`, '--seed', `${seed}`], parent: null },
  };
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  await writeFile(join(folder, 'journal.jsonl'), logLines(journalOf(workers, steps, isFinished)));
  await writeFile(join(folder, 'events.jsonl'), logLines(eventsOf(run)));
  const path = join(folder, 'metrics.jsonl');
  await writeFile(path, '');
  for (let first = 1; first <= steps; first += 5_000) {
    const length = Math.min(5_000, steps - first + 1);
    await appendFile(path, Array.from({ length }, (_, i) => stepLines(run, first + i)).join(''));
  }
  if (run.hasHistograms === true) await writeFile(join(folder, 'histograms.jsonl'), histogramLines(run));
  const every = Math.max(1, Math.floor(steps / 8));
  const evaluations = Array.from({ length: Math.floor(steps / every) }, (_, i) => {
    const step = (i + 1) * every;
    const [loss, share] = [measured('loss', step, run), measured('accuracy', step, run)];
    return {
      kind: 'evaluation',
      step,
      final: false,
      metrics: { 'validation/loss': loss, 'validation/accuracy': share },
    };
  });
  const last = {
    'test/loss': measured('loss', steps + 1, run),
    'test/accuracy': measured('accuracy', steps + 1, run),
  };
  const final = isFinished ? [{ kind: 'evaluation', step: steps, final: true, metrics: last }] : [];
  await appendFile(path, logLines([...evaluations, ...final]));
  return folder;
}

const variables = ['0/bias', '0/weight', '2/bias', '2/weight'];

/** Every tenth step; the weights grow and the gradients fall. */
function histogramLines({ seed = 1, steps }: MadeRun): string {
  const of = (width: number, step: number, kind: number) =>
    Object.fromEntries(
      variables.map((name, i) => {
        // A sum of three is nearly normal.
        const draw = (k: number) =>
          noise(seed, i, k, step, kind) + noise(seed, i, k, kind, 7) + noise(k, i, kind, 9);
        const values = Float32Array.from({ length: 1_000 }, (_, k) => width * (1 + i / 2) * draw(k));
        return [name, histogram(values)];
      }),
    );
  return logLines(
    Array.from({ length: Math.floor(steps / 10) }, (_, i) => {
      const step = 10 * (i + 1);
      const params = of(0.03 * (1 + step / 200), step, 1);
      return {
        step,
        params,
        gradients: of(0.02 / (1 + step / 50), step, 2),
        updates: of(1e-3 / (1 + step / 80), step, 3),
      };
    }),
  );
}

const firstShard = (rank: number, workers: number): number => Math.floor((8 * rank) / workers);

function journalOf(workers: number, steps: number, isFinished: boolean): readonly object[] {
  const members = Array.from({ length: workers }, (_, rank) => ({
    ...{ worker: `worker-${rank}`, rank },
    shards: {
      start: firstShard(rank, workers),
      count: firstShard(rank + 1, workers) - firstShard(rank, workers),
    },
  }));
  return [
    { type: 'started', incarnation: 1, time: timeAt(1) },
    { type: 'programs', build: 'b'.repeat(64), hashes: { step: 's'.repeat(64), update: 'u'.repeat(64) } },
    { type: 'data', hash: 'd'.repeat(64) },
    { type: 'generation', generation: 1, step: 0, source: 'init', members },
    ...(isFinished ? [{ type: 'done', reason: 'finished', step: steps }] : []),
  ];
}

function eventsOf({ workers = 2, steps, lossAt, isFinished = true }: MadeRun): readonly object[] {
  const names = Array.from({ length: workers }, (_, rank) => `worker-${rank}`);
  const joined = names.map((worker, rank) => ({
    ...{
      time: timeAt(2 + rank / 4),
      type: 'joined',
      worker,
      host: `node-${rank + 1}`,
      pid: 4_100 + rank,
      threads: 2,
    },
  }));
  const generation = (number: number, time: string, step: number, members: readonly string[]) => ({
    ...{
      time,
      type: 'generation',
      generation: number,
      step,
      source: 'init',
      workers: members,
      profile: 'fma',
    },
  });
  const end = 4 + steps / 45;
  const at = 4 + (lossAt ?? 0) / 45;
  const faults =
    lossAt === undefined
      ? []
      : [
          { time: timeAt(at), type: 'lost', worker: names.at(-1)!, reason: 'silent' },
          generation(2, timeAt(at + 0.4), lossAt, names.slice(0, -1)),
          { ...joined.at(-1)!, time: timeAt((at + end) / 2), worker: 'worker-new', pid: 4_190 },
          generation(3, timeAt((at + end) / 2 + 0.6), Math.floor((lossAt + steps) / 2), [
            ...names.slice(0, -1),
            'worker-new',
          ]),
        ];
  const done = { time: timeAt(end), type: 'done', ending: { steps, fingerprint: 'f'.repeat(64) } };
  return [...joined, generation(1, timeAt(4), 0, names), ...faults, ...(isFinished ? [done] : [])];
}

/** Nine runs: three rates, each with three seeds. */
export async function makeGrid(root: string, steps = 600): Promise<void> {
  for (const [i, rate] of [0.01, 0.05, 0.2].entries()) {
    for (const seed of [1, 2, 3]) {
      await makeRun(root, { id: `2026-11-30-digits-${i}0${seed}a`, params: { rate }, seed, steps });
    }
  }
}
