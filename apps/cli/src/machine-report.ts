/** Reports what this machine offers, and what it lacks. */
import { createRequire } from 'node:module';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { fashionMnist, mnist } from '@lockstep/data';
import { profileStatus } from '@lockstep/kernels';
import { generateKeys } from '@lockstep/transport';
import { rate } from './display/format.ts';
import { version } from './project.ts';

interface Finding {
  readonly ok: boolean;
  readonly name: string;
  readonly text: string;
}

/** A heading, then a line for each part of the machine that Lockstep uses. */
export async function machineReport(): Promise<string> {
  const findings = [machine(), node(), ...profiles(), zeromq(), ...(await datasets())];
  const lines = findings.map(({ ok, name, text }) => `  ${ok ? '✓' : '–'} ${name.padEnd(16)} ${text}\n`);
  return `lockstep ${version} on ${process.platform}-${process.arch}\n${lines.join('')}`;
}

function machine(): Finding {
  const gigabytes = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const text = `${availableParallelism()} cores (${model}), ${gigabytes(totalmem())} GiB memory, ${gigabytes(freemem())} free`;
  return { ok: true, name: 'machine', text };
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major >= 24 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
  const text = `${process.version} (V8 ${process.versions.v8})`;
  return { ok, name: 'Node', text: ok ? text : `${text}; use 20.19 or later, 22.12 or later, or 24` };
}

function profiles(): Finding[] {
  return (['fma', 'portable'] as const).map((name) => {
    const status = profileStatus(name);
    const text = status.offered ? `offered: ${status.backend}` : `not offered: ${status.reason}`;
    return { ok: status.offered, name, text };
  });
}

function zeromq(): Finding {
  const name = 'ZeroMQ';
  try {
    generateKeys();
    return { ok: true, name, text: `zeromq ${zeromqVersion()}, CURVE keys work` };
  } catch (error) {
    return { ok: false, name, text: `zeromq ${zeromqVersion()}, no CURVE: ${String(error)}` };
  }
}

/** The version of the package that the transport uses; only the transport imports it. */
function zeromqVersion(): string {
  const transport = createRequire(import.meta.resolve('@lockstep/transport'));
  return (transport('zeromq/package.json') as { readonly version: string }).version;
}

async function datasets(): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const source of [mnist(), fashionMnist()]) {
    const { name } = source;
    try {
      const { train, validation, test } = (await source.load()).splits;
      const sizes = [train, validation, test].flatMap((split) => (split ? [rate(split.size)] : []));
      findings.push({ ok: true, name, text: `found: ${sizes.join(' + ')} images` });
    } catch (error) {
      findings.push({ ok: false, name, text: error instanceof Error ? error.message : String(error) });
    }
  }
  return findings;
}
