/**
 * Builds what `kubectl kustomize FOLDER` builds, of the part of kustomize that our files use. A field that it does not know is an error,
 * so nothing is left out silently.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseAllDocuments } from 'yaml';

/** Anything that YAML can say. */
// biome-ignore lint/suspicious/noExplicitAny: manifests have any shape until they are checked
export type Yaml = any;

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  readonly [field: string]: Yaml;
}

interface Operation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: Yaml;
}

/** The documents of a file. Throws for a key that is there twice, and for whatever else YAML does not allow. */
export function readYaml(text: string): Yaml[] {
  return [...parseAllDocuments(text)].map((document) => {
    for (const fault of [...document.errors, ...document.warnings]) throw fault;
    return document.toJS();
  });
}

export function build(folder: string): Manifest[] {
  const [kustomization] = readYaml(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'));
  const {
    apiVersion,
    kind,
    resources = [],
    namespace,
    images = [],
    generatorOptions,
    configMapGenerator = [],
    patches = [],
    ...others
  } = kustomization;
  refuse(others, 'kustomization.yaml');
  if (apiVersion !== 'kustomize.config.k8s.io/v1beta1' || kind !== 'Kustomization') {
    throw new Error(`${folder}: ${kind} of ${apiVersion} is no Kustomization`);
  }
  const manifests: Manifest[] = [
    ...resources.flatMap((name: string) => readResource(join(folder, name))),
    ...configMapGenerator.map((map: Yaml) => configMap(folder, map, generatorOptions)),
  ];
  for (const { target, patch, ...unknown } of patches) {
    refuse(unknown, 'patches');
    const found = manifests.filter(
      ({ kind, metadata }) => kind === target.kind && metadata.name === target.name,
    );
    if (found.length !== 1) throw new Error(`${found.length} manifests are ${target.kind} ${target.name}`);
    for (const operation of readYaml(patch)[0]) apply(found[0]!, operation);
  }
  for (const manifest of manifests) {
    if (namespace !== undefined && manifest.kind !== 'Namespace') manifest.metadata.namespace = namespace;
    setImages(manifest, images);
  }
  return manifests;
}

function readResource(path: string): Manifest[] {
  return statSync(path).isDirectory() ? build(path) : readYaml(readFileSync(path, 'utf8'));
}

function configMap(folder: string, { name, files, ...others }: Yaml, options: Yaml): Manifest {
  refuse(others, 'configMapGenerator');
  if (options?.disableNameSuffixHash !== true) throw new Error('names with a hash are not built here');
  const data = Object.fromEntries(
    files.map((file: string) => [basename(file), readFileSync(join(folder, file), 'utf8')]),
  );
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

/** One operation of a JSON patch (RFC 6902). */
function apply(manifest: Yaml, { op, path, value, ...others }: Operation): void {
  refuse(others, 'patch');
  const names = path.split('/').slice(1);
  const last = names.pop()!;
  const parent = names.reduce((node, name) => node?.[name], manifest);
  const exists = parent !== undefined && (last === '-' ? op === 'add' : op === 'add' || last in parent);
  if (!exists) throw new Error(`${manifest.metadata.name} has no ${path} to ${op}`);
  if (Array.isArray(parent) && op === 'add') parent.splice(last === '-' ? parent.length : +last, 0, value);
  else if (op === 'remove') delete parent[last];
  else parent[last] = value;
}

function setImages(node: Yaml, images: readonly Yaml[]): void {
  if (node === null || typeof node !== 'object') return;
  for (const [key, value] of Object.entries<Yaml>(node)) {
    const image = key === 'image' && images.find(({ name }) => name === value);
    if (image) node[key] = `${image.newName ?? image.name}${image.newTag ? `:${image.newTag}` : ''}`;
    else setImages(value, images);
  }
}

function refuse(others: object, where: string): void {
  const [field] = Object.keys(others);
  if (field !== undefined) throw new Error(`${where}: the field ${field} is not built here`);
}
