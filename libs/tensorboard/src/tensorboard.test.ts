import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from './crc32c.ts';
import { fileVersion, histograms, scalars, sessionEnd, sessionStart, soundBytes } from './index.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

it('checksums have the published values', () => {
  // RFC 3720, B.4, and the check value that catalogues of CRCs give.
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(maskedCrc32c(Buffer.from('123456789'))).toBe(0xc78ab0e5);
});

it('records are the bytes that TensorFlow writes', () => {
  expect(hex(fileVersion())).toBe('0f000000000000006d532b091a0d627261696e2e4576656e743a32fc985129');
  expect(hex(scalars({ wallTime: 1, step: 7 }, { loss: 0.5 }))).toBe(
    '1a00000000000000129bd82d09000000000000f03f10072a0d0a0b0a046c6f7373150000003f862c9a2f',
  );
});

const file = Buffer.concat([
  fileVersion(),
  sessionStart({
    hyperparameters: { rate: 0.1, optimizer: 'adam', nesterov: true },
    metrics: ['validation/loss'],
    group: 'g',
    startTime: 3,
  }),
  scalars({ step: 1, wallTime: 4 }, { loss: Number.NaN, accuracy: 0.25 }),
  histograms(
    { step: 1, wallTime: 4 },
    {
      'dense/kernel': {
        ...{ min: -1, max: 2, count: 3, sum: 1.5, sumOfSquares: 5.25 },
        ...{ limits: [0, 1, 2], counts: [1, 1, 1] },
      },
    },
  ),
  sessionEnd('success', 5),
]);

it('a file that a crash cut short is sound up to its last whole record', () => {
  expect(soundBytes(file)).toBe(file.length);
  const last = sessionEnd('success', 5).length;
  for (let cut = 1; cut <= last; cut++) {
    expect(soundBytes(file.subarray(0, file.length - cut))).toBe(file.length - last);
  }
  for (let at = 0; at < file.length; at++) {
    const damaged = Buffer.from(file);
    damaged[at]! ^= 1;
    expect(soundBytes(damaged)).toBeLessThanOrEqual(at);
  }
});

const hasProtoc = (() => {
  try {
    execFileSync('protoc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** The messages, in a schema of our own that has the published field numbers. */
const schema = `
syntax = "proto3";
message Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
message Summary { repeated Value value = 1; }
message Value { string tag = 1; float simple_value = 2; Histogram histo = 5; Metadata metadata = 9; }
message Histogram {
  double min = 1; double max = 2; double num = 3; double sum = 4; double sum_squares = 5;
  repeated double bucket_limit = 6; repeated double bucket = 7;
}
message Metadata { PluginData plugin_data = 1; }
message PluginData { string plugin_name = 1; HParams content = 2; }
message HParams { int32 version = 1; Experiment experiment = 2; Start session_start_info = 3; End session_end_info = 4; }
message Experiment { repeated HParamInfo hparam_infos = 4; repeated MetricInfo metric_infos = 5; }
message HParamInfo { string name = 1; int32 type = 4; }
message MetricInfo { MetricName name = 1; }
message MetricName { string group = 1; string tag = 2; }
message Any { double number_value = 2; string string_value = 3; bool bool_value = 4; }
message Start { map<string, Any> hparams = 1; string group_name = 4; double start_time_secs = 5; }
message End { int32 status = 1; double end_time_secs = 2; }
`;

it.runIf(hasProtoc)('protoc reads every event', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-events-'));
  try {
    writeFileSync(join(folder, 'event.proto'), schema);
    const decoded = eventsOf(file).map((event) =>
      execFileSync('protoc', ['--decode=Event', `--proto_path=${folder}`, 'event.proto'], { input: event })
        .toString()
        .replace(/\s+/g, ' '),
    );
    expect(decoded[0]).toBe('file_version: "brain.Event:2" ');
    expect(decoded[1]).toContain('tag: "_hparams_/experiment"');
    expect(decoded[1]).toContain('hparam_infos { name: "optimizer" type: 1 }');
    expect(decoded[1]).toContain('metric_infos { name { tag: "validation/loss" } }');
    expect(decoded[2]).toContain('hparams { key: "nesterov" value { bool_value: true } }');
    expect(decoded[2]).toContain('hparams { key: "rate" value { number_value: 0.1 } }');
    expect(decoded[2]).toContain('group_name: "g" start_time_secs: 3');
    expect(decoded[3]).toBe(
      'wall_time: 4 step: 1 summary { value { tag: "loss" simple_value: nan } value { tag: "accuracy" simple_value: 0.25 } } ',
    );
    expect(decoded[4]).toContain(
      'histo { min: -1 max: 2 num: 3 sum: 1.5 sum_squares: 5.25 bucket_limit: 0 bucket_limit: 1 bucket_limit: 2 bucket: 1 bucket: 1 bucket: 1 }',
    );
    expect(decoded[5]).toContain('session_end_info { status: 1 end_time_secs: 5 }');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** The events of a file, by the lengths in their records. */
function eventsOf(bytes: Buffer): Buffer[] {
  const events: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    events.push(bytes.subarray(at + 12, at + 12 + length));
    at += 16 + length;
  }
  return events;
}
