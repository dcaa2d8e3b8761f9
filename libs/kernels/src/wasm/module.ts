import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { LockstepError } from '@lockstep/errors';
import type { Profile } from '../kernels.ts';
import { compile, validate, type WasmModule } from './webassembly.ts';

/** Exports of `assembly/index.ts`: addresses are bytes in the imported memory, counts are elements. */
export interface Exports {
  unary(op: number, out: number, x: number, count: number): void;
  binary(
    op: number,
    out: number,
    count: number,
    a: number,
    aRepeat: number,
    aPeriod: number,
    b: number,
    bRepeat: number,
    bPeriod: number,
    work: number,
  ): void;
  compare: Exports['binary'];
  select(
    out: number,
    count: number,
    condition: number,
    repeat: number,
    period: number,
    a: number,
    aRepeat: number,
    aPeriod: number,
    b: number,
    bRepeat: number,
    bPeriod: number,
    work: number,
  ): void;
  copyStrided(to: number, from: number, view: number, rank: number): void;
  reduce(op: number, out: number, x: number, outer: number, size: number, inner: number, work: number): void;
  addRows(sums: number, step: number, x: number, row: number, count: number, width: number): void;
  addListedRows(
    sums: number,
    step: number,
    x: number,
    places: number,
    row: number,
    count: number,
    width: number,
  ): void;
  endRows(out: number, sums: number, step: number, rows: number, width: number): void;
  treeSum(out: number, x: number, segments: number, size: number, work: number): void;
  moments(
    out: number,
    x: number,
    weights: number,
    segments: number,
    rows: number,
    inner: number,
    channels: number,
    work: number,
  ): void;
  matmul(out: number, a: number, b: number, shape: number, work: number): void;
  segmentedContraction(
    out: number,
    a: number,
    b: number,
    segments: number,
    rows: number,
    m: number,
    n: number,
    work: number,
  ): void;
  conv2dKernelGrad(
    out: number,
    x: number,
    dy: number,
    conv: number,
    segments: number,
    stack: number,
    work: number,
  ): void;
  conv2d(out: number, x: number, kernel: number, conv: number, work: number): void;
  conv2dInputGrad(out: number, dy: number, kernel: number, conv: number, work: number): void;
  winogradConv2d: Exports['conv2d'];
  winogradInputGrad: Exports['conv2dInputGrad'];
  winogradKernelGrad: Exports['conv2dKernelGrad'];
  /** Bytes of workspace that the kernels may use. */
  workBytes(): number;
  maxPoolSelect(out: number, x: number, t: number, pool: number): void;
  maxPoolScatter(out: number, x: number, g: number, pool: number): void;
  gather(out: number, table: number, indices: number, count: number, rows: number, width: number): void;
  scatterAdd(
    out: number,
    updates: number,
    indices: number,
    count: number,
    rows: number,
    width: number,
    work: number,
  ): number;
  randomBits(out: number, count: number, k0: number, k1: number, work: number): void;
  unitFromBits(out: number, bits: number, count: number): void;
  digest(nans: number, out: number, x: number, bytes: number, work: number): void;
}

const compiled: Partial<Record<Profile, WasmModule>> = {};

/**
 * A profile's kernels, compiled once per thread.
 * @throws LockstepError `internal` if the build is missing, `config` if this host cannot run it.
 */
export function wasmModule(profile: Profile): WasmModule {
  compiled[profile] ??= compileFor(profile);
  return compiled[profile];
}

function compileFor(profile: Profile): WasmModule {
  const binary = readBinary(profile);
  if (runs(profile, binary)) return compile(binary);
  const needs = profile === 'fma' ? 'relaxed SIMD' : 'SIMD and threads';
  throw new LockstepError(
    'config',
    `the wasm kernels of profile ${profile} need WebAssembly with ${needs}, which Node ${process.version} does not have on this machine; use Node 24 or another machine`,
    { profile, node: process.version },
  );
}

/** Whether this host has the profile's instructions. */
export function runs(profile: Profile, binary: Uint8Array = readBinary(profile)): boolean {
  if (validate(binary)) return true;
  if (profile !== 'fma') return false;
  // Node 20 has relaxed SIMD behind this flag, which can be set at any time before the first such module.
  setFlagsFromString('--experimental-wasm-relaxed-simd');
  return validate(binary);
}

function readBinary(profile: Profile): Uint8Array {
  const url = new URL(`../../build/${profile}.wasm`, import.meta.url);
  try {
    return readFileSync(url);
  } catch (cause) {
    throw new LockstepError(
      'internal',
      `the wasm kernels are not built: ${url.pathname} is missing; run npm run build`,
      {
        path: url.pathname,
      },
      { cause },
    );
  }
}
