/**
 * The manifests of deploy/kubernetes, without a cluster: each is valid by the published schemas and agrees with the others and with our
 * own code, and every mistake that is planted is found.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CheckName, checks } from './checks/index.ts';
import { build, type Manifest, readYaml, type Yaml } from './kustomize.ts';
import { type Build, jobSetMistakes, type Mistake, ownMistakes, schemaMistakes } from './mistakes/index.ts';
import { schemaProblems } from './schemas.ts';

const root = fileURLToPath(new URL('../../deploy/kubernetes', import.meta.url));
const launcher = fileURLToPath(new URL('../../apps/cli/bin/lockstep.mjs', import.meta.url));
const execFileAsync = promisify(execFile);

const overlays = readdirSync(`${root}/overlays`).map((name) => `overlays/${name}`);
const builds = Object.fromEntries(
  ['base', 'jobset', ...overlays].map((name) => [name, build(`${root}/${name}`)]),
);

/** A copy, so that a mistake stays in its test. */
function copyOf(name: string): Build {
  const manifests = structuredClone(builds[name]!) as Manifest[];
  const of = (kind: string, named?: string): Yaml => {
    const found = manifests.find(
      (one) => one.kind === kind && (named === undefined || one.metadata.name === named),
    );
    if (found === undefined) throw new Error(`${name} has no ${kind} ${named ?? ''}`);
    return found;
  };
  const parts = (job: Yaml) => ({ job, pod: job.template.spec, container: job.template.spec.containers[0] });
  if (name !== 'jobset') {
    const jobOf = (role: string) => parts(of('Job', `lockstep-${role}`).spec);
    return { manifests, of, coordinator: jobOf('coordinator'), workers: jobOf('workers') };
  }
  const [coordinator, workers] = of('JobSet').spec.replicatedJobs.map(({ template }: Yaml) =>
    parts(template.spec),
  );
  return { manifests, of, coordinator, workers };
}

function planted(name: string, [, plant]: Mistake): Manifest[] {
  const copy = copyOf(name);
  plant(copy);
  return copy.manifests;
}

const wrong = [
  ...schemaMistakes.map((mistake) => ['base', mistake] as const),
  ...jobSetMistakes.map((mistake) => ['jobset', mistake] as const),
];

describe('the published schemas', () => {
  let found: string[][] = [];
  // One run of the compiler for all.
  beforeAll(async () => {
    found = await schemaProblems([
      ...Object.values(builds),
      ...wrong.map(([name, mistake]) => planted(name, mistake)),
    ]);
  });

  it.each(Object.keys(builds).map((name, i) => [name, i] as const))('%s is valid', (_name, i) => {
    expect(found[i]).toEqual([]);
  });

  it.each(wrong.map(([name, [what, , said]], i) => [name, what, said, i] as const))(
    '%s: %s is found',
    (_name, _what, said, i) => {
      expect(found[Object.keys(builds).length + i]!.join('\n')).toMatch(said);
    },
  );
});

describe.each(Object.entries(checks))('%s', (check, problemsOf) => {
  it.each(Object.entries(builds))('%s has no problem', async (_name, manifests) => {
    expect(await problemsOf(manifests)).toEqual([]);
  });

  // The JobSet form must be checked as deeply.
  const cases = ['base', 'jobset'].flatMap((name) =>
    ownMistakes[check as CheckName].map((mistake) => [name, mistake[0], mistake] as const),
  );
  it.each(cases)('%s: %s is found', async (name, _what, mistake) => {
    expect((await problemsOf(planted(name, mistake))).join('\n')).toMatch(mistake[2]);
  });
});

describe('the files', () => {
  it('both forms start the same pods', () => {
    const [base, jobset] = [copyOf('base'), copyOf('jobset')];
    const { completionMode, completions, parallelism, ...job } = jobset.coordinator.job;
    expect(job).toEqual(base.coordinator.job);
    expect([completionMode, completions, parallelism]).toEqual(['Indexed', 1, 1]);
    expect(jobset.workers.job).toEqual(base.workers.job);
  });

  it('YAML with a key twice is refused', () => {
    expect(() => readYaml('spec: { completions: 2, completions: 3 }')).toThrow(/unique/);
  });

  it.each([
    ['a field that is not built', 'namePrefix: x', /namePrefix is not built/],
    [
      'a patch of nothing',
      'patches: [{ target: { kind: Job, name: nobody }, patch: "" }]',
      /0 manifests are Job nobody/,
    ],
    ['a file that is not there', 'resources: [jobs.yaml]', /jobs\.yaml/],
  ])('a kustomization with %s is refused', async (_what, line, said) => {
    const folder = await mkdtemp(join(tmpdir(), 'lockstep-kustomize-'));
    try {
      const head = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n';
      await writeFile(join(folder, 'kustomization.yaml'), `${head}${line}\n`);
      expect(() => build(folder)).toThrow(said);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('the command accepts the experiment of the example', async () => {
    const file = `${root}/overlays/own-experiment/experiment.ts`;
    const { stdout } = await execFileAsync(process.execPath, [launcher, 'explain', file]);
    expect(stdout).toContain('inputs');
  });

  it('the documentation makes the Secrets, and scales as the manifests say', () => {
    const page = readFileSync(`${root}/../../docs/kubernetes.md`, 'utf8');
    const patch = `kubectl patch job lockstep-workers -n lockstep -p '{"spec":{"completions":4,"parallelism":4}}'`;
    expect(page).toContain('kubectl create secret generic lockstep-keys -n lockstep --from-file=keys');
    expect(page).toContain('kubectl create secret generic lockstep-page -n lockstep --from-literal=token=');
    expect(page).toContain(patch);
    expect(readFileSync(`${root}/base/workers.yaml`, 'utf8')).toContain(patch);
  });
});
