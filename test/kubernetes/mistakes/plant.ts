/** How mistakes are planted in manifests. */
import type { Manifest, Yaml } from '../kustomize.ts';

/** The manifests of a build by kind and name. Names in JobSets are those of their replicated jobs. */
export interface Build {
  readonly manifests: Manifest[];
  /** The manifest of this kind and name. */
  of(kind: string, name?: string): Yaml;
  readonly coordinator: Parts;
  readonly workers: Parts;
}

/** Of a Job or replicated job. */
export interface Parts {
  readonly job: Yaml;
  readonly pod: Yaml;
  readonly container: Yaml;
}

export type Mistake = readonly [what: string, plant: (build: Build) => void, said: RegExp];

export function set(object: Yaml, field: string | number, value: Yaml): void {
  object[field] = value;
}

export function unset(object: Yaml, field: string): void {
  if (!(field in object)) throw new Error(`there is no ${field} to take away`);
  delete object[field];
}

/** Replaces the argument of an option, or takes it away. */
export function word({ container }: Parts, option: string, ...words: string[]): void {
  const at = container.args.findIndex((arg: string) => arg.split('=')[0] === option);
  if (at < 0) throw new Error(`there is no ${option}`);
  container.args.splice(at, 1, ...words);
}
