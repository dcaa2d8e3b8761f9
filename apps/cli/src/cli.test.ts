import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCommandLine } from './cli.ts';
import { createProject, type TestProject } from './fixtures/project.ts';
import { recordingStream, recordingTerminal } from './fixtures/recording.ts';

let project: TestProject;
beforeEach(async () => {
  project = await createProject();
});
afterEach(() => project.remove());

async function run(...argv: string[]) {
  const terminal = recordingTerminal();
  const code = await runCommandLine(argv, terminal);
  return { code, out: terminal.out.text(), err: terminal.err.text() };
}

describe('help', () => {
  it('lists commands and exit codes', async () => {
    const { code, out, err } = await run('--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const command of [
      'train',
      'coordinator',
      'worker',
      'resume',
      'explain',
      'export',
      'keys',
      'doctor',
    ]) {
      expect(out).toContain(`lockstep ${command}`);
    }
    expect(out).toMatch(/Exit codes: 0 done, 1 .*130 interrupted/s);
  });

  it('explains the options of a command, with examples', async () => {
    const { code, out } = await run('train', '--help');
    expect(code).toBe(0);
    for (const option of [
      'workers',
      'threads',
      'shards',
      'seed',
      'steps',
      'epochs',
      'limit-samples',
      'profile',
    ]) {
      expect(out).toContain(`--${option}`);
    }
    expect(out).toMatch(/Examples:\s+lockstep train experiments\/mnist-cnn\.ts --workers/);
  });

  it('is what no arguments and `help` give', async () => {
    const help = await run('--help');
    expect(await run()).toEqual(help);
    expect(await run('help')).toEqual(help);
    expect(await run('help', 'train')).toEqual(await run('train', '--help'));
  });

  it('lists the parameters of an experiment', async () => {
    const { code, out } = await run('train', project.tunable, '--help');
    expect(code).toBe(0);
    expect(out).toContain(
      `Parameters of ${project.tunable}, set by --set NAME=VALUE:
  size=12         samples a step; a whole number of at least 1
  optimizer=adam  'adam' or 'sgd'
`,
    );
    expect((await run('help', 'explain', project.tunable)).out).toContain('optimizer=adam');
    expect((await run('train', project.tiny, '--help')).out).toContain(`Parameters of ${project.tiny}: none`);
    const missing = await run('train', 'none.ts', '--help');
    expect(missing).toMatchObject({ code: 1, out: (await run('train', '--help')).out });
    expect(missing.err).toContain('none.ts does not exist');
  });

  it.each([40, 60, 100])('fits into %i columns', async (columns) => {
    const out = recordingStream(true, columns);
    const err = recordingStream();
    expect(await runCommandLine(['--help'], { out, err })).toBe(0);
    const longest = Math.max(
      ...out
        .text()
        .split('\n')
        .map((line) => line.length),
    );
    expect(longest).toBeLessThanOrEqual(columns);
  });

  it('is English whatever the language of the machine', async () => {
    vi.stubEnv('LC_ALL', 'de_DE.UTF-8');
    expect((await run('trian')).err).toContain("unknown: 'trian'");
    expect((await run('train', 'x.ts', '--wrokers', '2')).err).toContain('did you mean --workers');
    vi.unstubAllEnvs();
  });

  it.each(['--version', '-v'])('knows the version: %s', async (option) => {
    expect(await run(option)).toEqual({ code: 0, out: '0.1.0\n', err: '' });
  });
});

describe('mistakes in the command line', () => {
  it.each([
    [['--json'], /a command is missing; `lockstep --help`/],
    [['trian', 'x.ts'], /unknown: 'trian' \(did you mean train\?\)/],
    [['trian', '--help'], /unknown: 'trian' \(did you mean train\?\)/],
    [['help', 'trian'], /unknown: 'trian' \(did you mean train\?\)/],
    [['train', 'x.ts', '--worker', '2'], /unknown: 'worker' \(did you mean --workers/],
    [['train', 'x.ts', '--join', 'h:1'], /'join' \(an option of worker, not of train\)/],
    [['train', 'x.ts', '--no-seed'], /^lockstep: unknown: 'no-seed'[^,]*;/],
    [['train'], /<experiment> is missing: TypeScript file .*`lockstep help train`/],
    [['predict', 'runs/r'], /<file> is missing: a \.csv file/],
    [['resume', ''], /<run> must be one value, not ''/],
    [['train', 'x.ts', '--workers', 'two'], /--workers must be one whole number of at least 0, not 'two'/],
    [['train', 'x.ts', '--steps', '0'], /--steps must be one whole number of at least 1, not '0'/],
    [['train', 'x.ts', '--steps', '2.5'], /--steps must be one whole number of at least 1, not '2\.5'/],
    [['train', 'x.ts', '--steps', '-3'], /--steps must be one whole number of at least 1, not '-3'/],
    [['train', 'x.ts', '--seed='], /--seed must be one whole number of at least 0, not ''/],
    [['train', 'x.ts', '--keep', '0'], /--keep must be one whole number of at least 1, or all, not '0'/],
    [['resume', 'r', '--keep', 'most'], /--keep must be one whole number of at least 1, or all, not 'most'/],
    [['train', 'x.ts', '--seed', '1e400'], /--seed must be .* and at most 9007199254740991, not '1e400'/],
    [
      ['train', 'x.ts', '--seed', '1', '--seed', '2'],
      /--seed must be one whole number .* not several values \('1', '2'\)/,
    ],
    [['train', 'x.ts', '--bind', 'a', '--bind', 'b'], /--bind must be one value, not several values/],
    [['train', 'x.ts', '--seed'], /--seed needs a value/],
    [
      ['train', 'x.ts', '--profile', 'fmaa'],
      /--profile must be one of auto, portable, fma, not 'fmaa'; did you mean fma\?/,
    ],
    [['export', 'runs/r', '--format', 'h5'], /--format must be one of safetensors, npz, onnx, not 'h5'/],
    [['completion', 'fish'], /<shell> must be one of bash, zsh, not 'fish'/],
    [['worker'], /--join is missing: host:port/],
    [['worker', '--join', 'nonsense'], /--join 'nonsense': write host:port/],
    [['worker', '--join', 'host:0'], /--join 'host:0': the port is missing/],
    [['worker', '--join', 'tcp://host:'], /--join 'tcp:\/\/host:': the port is missing/],
    [
      ['keys', '--out', '/proc/lockstep'],
      /--out '\/proc\/lockstep' cannot be used: no folder can be made there/,
    ],
    [['train', 'x.ts', '--seed', 'a\u001b[2Jb'], /not 'a\\u001b\[2Jb'/],
  ])('%j: %s', async (argv, message) => {
    const { code, out, err } = await run(...argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).toMatch(/^lockstep: /);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('show the stack with --verbose', async () => {
    expect((await run('worker', '--join', 'nonsense', '--verbose')).err).toMatch(/\n\s+at /);
  });
});

describe('what cannot be changed when a run is resumed', () => {
  it.each(['seed', 'batch', 'batch-size', 'shards', 'profile', 'data', 'limit-samples', 'run-root'])(
    '--%s says so, with the reason',
    async (option) => {
      const { code, err } = await run('resume', 'runs/r', `--${option}`, '3');
      expect(code).toBe(2);
      expect(err).toMatch(new RegExp(`^lockstep: --${option} cannot be changed when a run is resumed: \\w+`));
      const canBranch = ['seed', 'batch-size', 'shards', 'run-root'].includes(option);
      expect(err).toContain(canBranch ? 'lockstep branch' : 'lockstep train');
      expect((await run('resume', '--help')).out).not.toContain(`--${option} `);
    },
  );
});

describe('keys', () => {
  it('are written once and never replaced', async () => {
    const out = join(project.folder, 'keys');
    expect(await run('keys', '--out', out)).toMatchObject({ code: 0, out: expect.stringContaining(out) });
    expect(existsSync(join(out, 'server.secret'))).toBe(true);
    expect(await run('keys', '--out', out)).toMatchObject({
      code: 3,
      err: expect.stringContaining('exists already'),
    });
  });
});

describe('resume', () => {
  it('reports a folder that is not a run', async () => {
    const { code, err } = await run('resume', join(project.folder, 'runs', 'nothing'));
    expect(code).toBe(2);
    expect(err).toMatch(/is not the folder of a run; there are no runs in/);
  });
});

describe('train', () => {
  it('leaves no run folder behind when the run cannot start', async () => {
    const root = join(project.folder, 'runs');
    const argv = ['train', project.tiny, '--run-root', root];
    const { code, err } = await run(...argv, '--bind', 'tcp://0.0.0.0:0');
    expect(code).toBe(3);
    expect(err).toContain('there are no keys; run `lockstep keys`');
    const wrongAddress = await run(
      ...argv,
      '--bind',
      'tcp://192.0.2.1:0',
      '--keys',
      join(project.folder, 'none'),
    );
    expect(wrongAddress).toMatchObject({ code: 3, err: expect.stringContaining('cannot read') });
    expect(readdirSync(root)).toEqual([]);
  });
});

describe('train into a place that cannot be written to', () => {
  // Node never answered for the path in /proc.
  it.each(['/proc/no/runs', '/dev/null/runs'])('%s is an error at once', async (root) => {
    const { code, err } = await run('train', project.tiny, '--run-root', root);
    expect(code).toBe(2);
    expect(err).toContain(`--run-root '${root}' cannot be used:`);
  });

  it('reports a trace file that cannot be written', async () => {
    const argv = ['train', project.tiny, '--run-root', join(project.folder, 'runs'), '--trace'];
    expect(await run(...argv, project.folder)).toMatchObject({
      code: 2,
      err: expect.stringContaining(`--trace '${project.folder}' is a folder; name a file to write`),
    });
  });
});

describe('explain', () => {
  it('reports mistakes in its options and a missing file', async () => {
    expect(await run('explain', project.tiny, '--shards', '0')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--shards must be one whole number of at least 1'),
    });
    expect(await run('explain', join(project.folder, 'tinny.ts'))).toMatchObject({
      code: 1,
      err: expect.stringMatching(/tinny\.ts does not exist; did you mean .*tiny\.ts/),
    });
  });
});

describe('the program', () => {
  const launcher = fileURLToPath(new URL('../bin/lockstep.mjs', import.meta.url));
  const launch = (...argv: string[]) => promisify(execFile)(process.execPath, [launcher, ...argv]);

  // Runs the build, as users do. There stacks are mapped back to the experiment, which the test runner prevents.
  it('names file and line of an error that an experiment throws', async () => {
    const path = await project.write(
      'throws.ts',
      "import { defineExperiment } from 'lockstep';\nexport default defineExperiment({ batch: { size: 0 } });",
    );
    const ended = await launch('train', path).catch((error) => error);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toBe(
      `lockstep: ${path}:2:16: batch.size must be a whole number of at least 1, not 0\n`,
    );
  });

  it('explains the step of an experiment to people and to scripts', async () => {
    const path = fileURLToPath(new URL('../../../experiments/logistic-regression.ts', import.meta.url));
    const { stdout } = await launch('explain', path);
    expect(stdout).toMatch(/^Shard program, for a block of 4 shards of 10 rows\n/);
    expect(stdout).toMatch(/params\/weights +float32\[2\]\n/);
    expect(stdout).toMatch(/ matmul batch\/x params\/weights\n/);
    expect(stdout).toContain('exchange of 6 values (24 B): sums');
    const lines = (await launch('explain', path, '--json', '--shards', '2')).stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { experiment: 'logistic-regression', program: 'shard', inputs: { 2: { shape: [2, 20, 2] } } },
      {
        experiment: 'logistic-regression',
        program: 'update',
        segments: [{ exchange: [] }, { exchange: [] }],
      },
    ]);
  });
});
