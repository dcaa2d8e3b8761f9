// Prints the properties of this machine on which results of builds and tests depend. They are an input of every cached
// target (nx.json).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';

const versionOf = (command, ...args) => spawnSync(command, args, { encoding: 'utf8' }).stdout ?? 'none';

const { CXX } = process.env;
const facts = {
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  // Native kernels are chosen by the processor's instructions.
  processor: cpus()[0]?.model,
  compilers: (CXX ? [CXX] : ['c++', 'g++', 'clang++']).map((command) => versionOf(command, '--version')),
  python: versionOf('python3', '--version'),
  packages: ['/usr/lib/python3/dist-packages/onnx', '/usr/share/datasets/fashion-mnist'].filter(existsSync),
};
console.log(JSON.stringify(facts));
