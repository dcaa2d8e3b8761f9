import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFolder, saveCheckpoint } from '@lockstep/checkpoint';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommandLine } from '../cli.ts';
import { recordingStream } from '../fixtures/recording.ts';
import { identityOf } from '../processes.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-records-'));
});
afterEach(() => rm(root, { recursive: true }));

async function run(argv: readonly string[], columns?: number) {
  const out = recordingStream(columns !== undefined, columns);
  const err = recordingStream();
  const code = await runCommandLine(argv, { out, err });
  return { code, out: out.text(), err: err.text() };
}

const lines = (values: readonly object[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join('');

interface Facts {
  readonly rate: number;
  readonly losses: readonly (number | string)[];
  readonly reason?: string;
}

async function writeRun(id: string, { rate, losses, reason = 'finished' }: Facts): Promise<string> {
  const folder = join(root, id);
  await mkdir(folder);
  const config = { seed: 1, batchSize: 32, numShards: 8, steps: null, params: { rate, optimizer: 'adam' } };
  const manifest = {
    ...{ schemaVersion: 2, name: 'digits', createdAt: '2026-11-30T10:00:00.000Z', profile: 'fma', config },
    ...{ command: ['train', 'my file.ts', '--seed', '1'], parent: null, versions: { lockstep: '0.1.0' } },
    machine: { host: 'here', cpu: 'Xeon', cores: 2, memoryBytes: 8e9 },
  };
  const steps = losses.map((loss, i) => ({
    ...{ kind: 'step', step: i + 1, metrics: { loss }, totalSteps: 4 },
    ...(i % 2 === 1 && { fingerprint: `${'f'.repeat(60)}${i < 2 ? '' : rate}`, chain: 'c'.repeat(64) }),
  }));
  const test = { kind: 'evaluation', step: losses.length, final: true, metrics: { 'test/accuracy': rate } };
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  await writeFile(join(folder, 'metrics.jsonl'), lines([...steps, test]));
  await writeFile(join(folder, 'events.jsonl'), lines([{ type: 'done', time: '2026-11-30T10:01:05.000Z' }]));
  await writeFile(
    join(folder, 'journal.jsonl'),
    lines([
      { type: 'started', incarnation: 1, time: '2026-11-30T10:00:00.000Z' },
      { type: 'done', reason, step: losses.length },
    ]),
  );
  return folder;
}

const [a, b, c] = ['2026-11-30-digits-00aa', '2026-11-30-digits-00bb', '2026-11-30-digits-00cc'] as const;

async function someRuns(): Promise<void> {
  await writeRun(a, { rate: 0.1, losses: [4, 3, 2, 1] });
  await writeRun(b, { rate: 0.5, losses: [4, 'NaN'], reason: 'nonFinite' });
  await writeRun(c, { rate: 0.01, losses: [4, 3, 3.5, 3.25] });
}

describe('runs', () => {
  it('lists runs with the parameters that differ and their results', async () => {
    await someRuns();
    await mkdir(join(root, 'notes'));
    expect(await run(['runs', root])).toEqual({
      code: 0,
      err: `lockstep: ${join(root, 'notes')} is not the folder of a run\n`,
      out: [
        'run                     status      steps  rate  test/accuracy   loss  time',
        '2026-11-30-digits-00aa  finished        4   0.1          10.0%  1.000  1:05',
        '2026-11-30-digits-00bb  non-finite      2   0.5          50.0%    NaN  1:05',
        '2026-11-30-digits-00cc  finished        4  0.01           1.0%  3.250  1:05',
        '',
      ].join('\n'),
    });
  });

  it.each([22, 30, 50, 60])('fits into %i columns, and breaks no name', async (columns) => {
    await someRuns();
    const { out } = await run(['runs', root], columns);
    const table = out.split('\n').filter((line) => /^(?:run|2026)/.test(line));
    expect(table).toHaveLength(4);
    for (const line of table) expect(line.length).toBeLessThanOrEqual(columns);
    for (const id of [a, b, c]) expect(out).toContain(id);
    expect(out).toContain('(the terminal is too narrow for ');
  });

  it('filters and sorts', async () => {
    await someRuns();
    const ids = async (...argv: string[]) => {
      const { out } = await run(['runs', root, ...argv, '--json']);
      return out
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line).id);
    };
    expect(await ids('--filter', 'status=finished')).toEqual([a, c]);
    expect(await ids('--sort', 'loss')).toEqual([a, c, b]);
    expect(await ids('--sort', 'rate', '--descending')).toEqual([b, a, c]);
    expect(await ids('--filter', 'rate>0.01,name=dig*', '--sort', 'rate')).toEqual([a, b]);
    const { out } = await run(['runs', root, '--sort', 'batch-size']);
    expect(out).toMatch(/^run +status +steps +batchSize /);
  });

  it('gives an object for each run, in which numbers that are not finite are text', async () => {
    await writeRun(b, { rate: 0.5, losses: [4, 'NaN'], reason: 'nonFinite' });
    const { out } = await run(['runs', root, '--json']);
    expect(JSON.parse(out)).toMatchObject({
      ...{ id: b, status: 'non-finite', params: { rate: 0.5 }, durationMs: 65_000 },
      metrics: { loss: { last: 'NaN', lastStep: 2, best: 4, bestStep: 1 } },
    });
    expect(JSON.parse(out)).not.toHaveProperty('curves');
  });

  it('writes tables', async () => {
    await someRuns();
    const csv = join(root, 'runs.csv');
    expect(await run(['runs', root, '--out', csv])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/runs\.csv {2}3 rows of runs, [\d.]+ /),
    });
    expect((await readFile(csv, 'utf8')).split('\r\n')[0]).toMatch(/^run,name,status,/);
    const parquet = join(root, 'metrics.parquet');
    const { out } = await run(['runs', root, '--out', parquet, '--table', 'metrics', '--json']);
    expect(JSON.parse(out)).toMatchObject({ written: parquet, format: 'parquet', rows: 13 });
    expect((await readFile(parquet)).subarray(0, 4).toString()).toBe('PAR1');
  });

  const mistakes = [
    [['--filter', 'rat>1'], `no run has 'rat'; did you mean rate`],
    [['--filter', 'rate'], 'is no condition'],
    [['--sort', 'lss'], 'did you mean loss'],
    [['--out', 'x.xlsx'], 'must end in .csv or .parquet'],
  ] as const;
  for (const [argv, message] of mistakes) {
    it(`explains ${argv.join(' ')}`, async () => {
      await someRuns();
      expect(await run(['runs', root, ...argv])).toMatchObject({
        ...{ code: 2, out: '', err: expect.stringContaining(message) },
      });
    });
  }

  it.each(['runs', 'prune'])('%s does not take one run for a folder of runs', async (name) => {
    const folder = await writeRun(a, { rate: 0.1, losses: [] });
    expect(await run([name, folder])).toMatchObject({
      ...{ code: 2, err: expect.stringContaining('is the folder of one run') },
    });
  });

  it('writes no table without rows', async () => {
    expect(await run(['runs', root, '--out', join(root, 'x.csv')])).toMatchObject({
      ...{ code: 2, err: expect.stringContaining('there is no run to write') },
    });
    expect(await readdir(root)).toEqual([]);
  });

  it('says that there are none, and which folder it lacks', async () => {
    expect(await run(['runs', root])).toEqual({ code: 0, err: '', out: 'no runs\n' });
    expect(await run(['runs', join(root, 'none')])).toMatchObject({
      ...{ code: 2, err: expect.stringContaining('does not exist; name the folder of your runs') },
    });
  });
});

describe('show', () => {
  it('says what is recorded', async () => {
    const folder = await writeRun(a, { rate: 0.1, losses: [4, 3, 2, 1] });
    const { code, out, err } = await run(['show', `${folder}/`]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.split('\n')).toEqual([
      folder,
      '  experiment   digits',
      '  status       finished, 4 of 4 steps, in 1:05',
      '  created      2026-11-30T10:00:00.000Z',
      `  command      lockstep train 'my file.ts' --seed 1`,
      '  seed         1',
      '  params       rate=0.1 optimizer=adam',
      '  settings     batchSize=32 numShards=8',
      '  profile      fma',
      '  versions     lockstep 0.1.0',
      '  machine      here, Xeon, 2 cores, 7.5 GiB of memory',
      `  fingerprint  ${'f'.repeat(60)}0.1 at step 4`,
      `  chain        ${'c'.repeat(64)}`,
      '',
      '  metric          last   best  at step  curve',
      '  loss           1.000  1.000        4  █▆▃▁',
      '  test/accuracy  10.0%  10.0%        4  ▁',
      '',
    ]);
    expect(JSON.parse((await run(['show', folder, '--json'])).out)).toMatchObject({
      ...{ id: a, curves: { loss: { steps: [1, 2, 3, 4], values: [4, 3, 2, 1] } } },
    });
  });

  it.each([60, 80, 120])('fits into %i columns, except for hashes and paths', async (columns) => {
    const folder = await writeRun(a, { rate: 0.1, losses: [4, 3] });
    const { out } = await run(['show', folder], columns);
    const long = out.split('\n').filter((line) => line.length > columns);
    expect(long.filter((line) => !/[0-9a-z/.-]{40,}/.test(line))).toEqual([]);
    expect(out.split('\n')[0]).toBe(folder);
  });

  it('shows what is left of a damaged run, with a warning', async () => {
    const folder = await writeRun(a, { rate: 0.1, losses: [4, 3] });
    await writeFile(join(folder, 'manifest.json'), '{"na');
    const { code, out, err } = await run(['show', folder]);
    expect(code).toBe(0);
    expect(out).toContain('  status       finished, 2 of 4 steps');
    expect(err).toContain('manifest.json: cannot be read');
  });

  it('suggests a run', async () => {
    await writeRun(a, { rate: 0.1, losses: [] });
    expect(await run(['show', join(root, a.replace('00aa', '00ab'))])).toMatchObject({
      ...{ code: 2, out: '', err: expect.stringContaining(`did you mean ${join(root, a)}`) },
    });
  });
});

describe('compare', () => {
  it('shows runs side by side', async () => {
    await someRuns();
    const { code, out } = await run(['compare', join(root, a), join(root, c)]);
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      `A  ${join(root, a)}  finished, 4 steps`,
      `B  ${join(root, c)}  finished, 4 steps`,
      '',
      'settings that differ  A    B',
      'params.rate           0.1  0.01',
      '',
      'last value     A      B',
      'loss           1.000  3.250',
      'test/accuracy  10.0%  1.0%',
      '',
      'best value     A      B',
      'loss           1.000  3.000',
      'test/accuracy  10.0%  1.0%',
      '',
      'curve          A     B',
      'loss           █▆▃▁  █▁▅▃',
      'test/accuracy  ▁     ▁',
      '',
      'fingerprints: first different at step 4, of the 2 steps at which both runs have one',
      '',
    ]);
    const { fingerprints } = JSON.parse((await run(['compare', join(root, a), join(root, c), '--json'])).out);
    expect(fingerprints).toEqual({ numCompared: 2, firstDifferentStep: 4 });
  });

  it('compares three', async () => {
    await someRuns();
    const { out } = await run(['compare', join(root, a), join(root, a), join(root, b)]);
    expect(out).toContain('fingerprints: the same at the 1 step at which all 3 runs have one');
  });

  it('needs two runs', async () => {
    await writeRun(a, { rate: 0.1, losses: [] });
    expect(await run(['compare', join(root, a)])).toMatchObject({
      ...{ code: 2, err: expect.stringContaining('compare needs two runs or more') },
    });
    expect(await run(['compare'])).toMatchObject({
      ...{ code: 2, err: expect.stringContaining('<runs> is missing: folders of two or more runs') },
    });
  });
});

describe('prune', () => {
  const tensors = { w: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } } as const;

  async function checkpointsOf(id: string, steps: readonly number[]): Promise<void> {
    for (const step of steps) {
      await saveCheckpoint(checkpointFolder(join(root, id)), { step, header: {}, tensors }, { keep: 9 });
    }
  }

  const left = async (id: string) =>
    (await readdir(checkpointFolder(join(root, id)))).filter((name) => name.endsWith('.json'));

  it('removes nothing without --yes, and says what it would', async () => {
    await someRuns();
    await checkpointsOf(a, [1, 2, 3]);
    await checkpointsOf(b, [1]);
    const { code, out } = await run(['prune', root]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^2026-11-30-digits-00aa {2}checkpoints of steps 1, 2, [^\n]+\nwould remove [^\n]+ of 1 run; nothing was removed: --yes removes it\n$/,
    );
    expect(await left(a)).toHaveLength(3);
    const removed = await run(['prune', root, '--yes']);
    expect(removed.out).toMatch(/\nremoved [\d.]+ \w+ of 1 run\n$/);
    expect(await left(a)).toEqual(['step-00000003.json']);
    expect(await left(b)).toEqual(['step-00000001.json']);
    expect((await run(['prune', root, '--yes'])).out).toBe('nothing to remove\n');
  });

  it('keeps the newest checkpoint of a run that is not finished', async () => {
    await someRuns();
    await checkpointsOf(a, [1, 2]);
    await checkpointsOf(b, [1, 2]);
    const { out } = await run(['prune', root, '--keep', '0', '--yes']);
    expect(out).toContain('00bb  the checkpoint of step 1, ');
    expect(out).toContain('(the run can go on from step 2 alone)');
    expect(await left(a)).toEqual([]);
    expect(await left(b)).toEqual(['step-00000002.json']);
  });

  it('removes whole runs by a filter, and no run that can go on', async () => {
    await someRuns();
    await checkpointsOf(b, [1]);
    expect(await run(['prune', root, '--runs', '--yes'])).toMatchObject({
      ...{ code: 2, err: expect.stringContaining('say which with --filter') },
    });
    const { out } = await run(['prune', root, '--runs', '--filter', 'rate>0.05', '--yes', '--json']);
    expect(
      out
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { run: a, wholeRun: true, removed: true },
      { run: b, wholeRun: false, steps: [], kept: expect.stringContaining('not finished') },
    ]);
    expect([a, b, c].map((id) => existsSync(join(root, id)))).toEqual([false, true, true]);
  });

  it('leaves a run alone that another process trains', async () => {
    await someRuns();
    await checkpointsOf(a, [1, 2]);
    const other = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    try {
      await writeFile(join(root, a, 'lock'), `${other.pid}\n`);
      expect((await run(['runs', root, '--filter', 'status=running'])).out).toContain(a);
      expect((await run(['prune', root, '--keep', '0', '--yes'])).out).toContain(
        'nothing (it is being trained)',
      );
      expect(await left(a)).toHaveLength(2);
    } finally {
      other.kill();
      await once(other, 'exit');
    }
    expect((await run(['prune', root, '--keep', '0', '--yes'])).out).toContain('checkpoints of steps 1, 2');
  });

  it.runIf(identityOf(process.pid))('leaves a run alone whose lock is of another machine', async () => {
    await someRuns();
    await checkpointsOf(a, [1, 2]);
    const lock = join(root, c, 'lock');
    await writeFile(join(root, a, 'lock'), `${process.pid}\nanother-boot 1234\n`);
    await writeFile(lock, `${process.pid}\nanother-boot 1234\n`);
    const { out } = await run(['prune', root, '--runs', '--filter', 'status=finished', '--yes']);
    expect(out).toContain(`${a}  nothing (its lock is of another machine`);
    expect(out).toContain(`remove ${lock} if nothing trains it`);
    await run(['prune', root, '--keep', '0', '--yes']);
    expect(await left(a)).toHaveLength(2);
    expect(existsSync(lock)).toBe(true);
  });
});
