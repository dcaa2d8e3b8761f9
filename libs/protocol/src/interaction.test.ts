/**
 * Scripts in `testdata/` drive a coordinator and workers, in the manner of etcd-io/raft: commands, a line of dashes, and
 * the output of the commands. `REWRITE=1` replaces the outputs with the present ones; review the difference.
 *
 *   coordinator shards=4 min=2     starts one; also profile= checkpoint= build=; began=b0: resumed, with programs p1 of build b0
 *   start w1 threads=2             starts a worker; also profiles= version= build= host= experiment= data= programs=
 *   deliver                        delivers control messages and their answers until none are left
 *   done w1 w2                     ends the current job of each: load, segment, update, or taking a state
 *   exchange [w1]                  ends the exchange that all members have reached, for all or for the named ones
 *   run 3                          does all of this until every member holds the state of step 3; prints only events
 *   pass 2000 | late 90000 [w1]    lets time pass: with ticks, or without; then the late ticks of all or of the named ones come
 *   nan w1 | nan w1 state=2 | nan w1 update     w1 finds something not finite: in its step, the state, the update that it checked
 *   crash w1 | disconnect w1 | leave w1 | link w1 w2 | fail w1 | corrupt w1 | corrupt w1 optimizer | weigh w1 3 | interrupt | saved | status
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TICK_MS } from './constants.ts';
import { advanceCoordinator, createCoordinator } from './coordinator/machine.ts';
import type { CoordinatorEffect, CoordinatorEvent, CoordinatorState } from './coordinator/state.ts';
import type {
  CoordinatorMessage,
  Member,
  Profile,
  ProgramHashes,
  WorkerMessage,
} from './messages/messages.ts';
import { helloOf } from './simulator/sim-worker.ts';
import { advanceWorker, createWorker } from './worker/machine.ts';
import type { ProgramOutline, WorkerEffect, WorkerEvent, WorkerState } from './worker/state.ts';

type Options = Readonly<Record<string, string>>;

/** Hashes by name: `p1` and `p2` differ in all programs, `p1/u2` and `p1` only in the update program. */
function programsOf(name: string): ProgramHashes {
  const [all = '', update = all] = name.split('/');
  return { initialisation: all, step: all, update, evaluation: all, settings: all };
}

const outline: ProgramOutline = {
  numSegments: 2,
  finalEvaluation: false,
  plan: (step) => ({
    evaluate: step === 3,
    checkpoint: step > 0 && step % 2 === 0,
    stateHash: step > 0 && step % 2 === 0,
    fingerprint: true,
    last: step === 4,
  }),
};

/** The fields of a message as `key=value`; nested values as JSON without quotes. */
function show(fields: object): string {
  const hidden = ['type', 'frames', 'config', 'report', 'profile', 'incarnation', 'pid'];
  return Object.entries(fields)
    .filter(([key]) => !hidden.includes(key))
    .map(([key, value]) => `${key}=${key === 'members' ? showMembers(value) : showValue(value)}`)
    .join(' ');
}

function showValue(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value).replaceAll('"', '') : `${value}`;
}

function showMembers(members: readonly Member[]): string {
  return members
    .map(({ worker, shards: { start, count } }) => `${worker}:${start}..${start + count - 1}`)
    .join(',');
}

class ScriptedCluster {
  readonly #workers = new Map<
    string,
    {
      state: WorkerState;
      dataHash: string;
      programs: ProgramHashes | undefined;
      loading: boolean;
      fingerprint: string;
      stateHash: string;
    }
  >();
  readonly #mail: { worker: string; message: WorkerMessage | CoordinatorMessage; up: boolean }[] = [];
  #coordinator: CoordinatorState | null = null;
  #now = 0;
  #lines: string[] = [];
  #toSave: number | null = null;

  /** Executes one command and returns its output. */
  execute(command: string): string {
    this.#lines = [];
    const [verb = '', ...rest] = command.trim().split(/\s+/);
    const names = rest.filter((word) => !word.includes('='));
    const options = Object.fromEntries(
      rest.filter((word) => word.includes('=')).map((word) => word.split('=')),
    );
    this.#do(verb, names, options);
    return this.#lines.length === 0 ? 'nothing' : this.#lines.join('\n');
  }

  #do(verb: string, names: readonly string[], options: Options) {
    const [first = '', second = ''] = names;
    switch (verb) {
      case 'coordinator':
        return this.#createCoordinator(options);
      case 'start':
        return this.#start(first, options);
      case 'deliver':
        return this.#deliver();
      case 'done':
        for (const name of names) this.#endJob(name);
        return;
      case 'exchange':
        this.#exchange(names);
        return;
      case 'run':
        return this.#runTo(Number(first));
      case 'crash':
        this.#workers.delete(first);
        return;
      case 'disconnect':
        return this.#tell({ type: 'disconnected', worker: first });
      case 'leave':
        return this.#raise(first, { type: 'leave' });
      case 'pass':
        return this.#pass(Number(first));
      case 'late':
        this.#now += Number(first);
        return this.#tick(names.slice(1));
      case 'link':
        return this.#raise(first, {
          type: 'peerLost',
          generation: this.#coordinator!.generation,
          peer: second,
        });
      case 'fail':
        return this.#raise(first, {
          type: 'failed',
          error: { code: 'shape', message: 'matmul: 2 × 3', facts: {} },
        });
      case 'nan':
        return this.#findNonFinite(first, second, options);
      case 'corrupt':
        this.#workers.get(first)![second === 'optimizer' ? 'stateHash' : 'fingerprint'] = 'wrong';
        return;
      case 'interrupt':
        return this.#tell({ type: 'interrupt' });
      case 'weigh':
        return this.#tell({ type: 'reweigh', weights: { [first]: Number(second) } });
      case 'saved':
        return this.#tell({ type: 'checkpointSaved', step: this.#toSave! });
      case 'status':
        return this.#status();
      default:
        throw new Error(`no such command: ${verb}`);
    }
  }

  #createCoordinator(options: Options) {
    const { shards = '4', min = '1', profile = 'auto', checkpoint = '-1', build = 'b1', began } = options;
    const checkpointStep = Number(checkpoint);
    this.#coordinator = createCoordinator(
      {
        run: 'run',
        incarnation: 1,
        version: '1',
        build,
        experiment: { name: 'experiment', hash: 'e1' },
        config: {},
        bundleBytes: 0,
        numShards: Number(shards),
        minWorkers: Number(min),
        profile: profile as Profile | 'auto',
        heartbeatMs: 500,
        livenessMs: 1_800,
        initial: {
          generation: 0,
          profile: null,
          dataHash: null,
          programs: began === undefined ? null : { build: began, hashes: programsOf('p1') },
          checkpointStep,
          progressStep: Math.max(0, checkpointStep),
          evaluatedStep: -1,
          finalEvaluated: false,
        },
      },
      this.#now,
    );
  }

  #start(name: string, options: Options) {
    const { threads = '1', profiles, version, build, experiment, data = 'd1', host, programs = '' } = options;
    const hello = {
      ...helloOf(name, Number(threads)),
      ...(profiles === undefined ? {} : { profiles: profiles.split(',') as Profile[] }),
      ...(version === undefined ? {} : { version }),
      ...(build === undefined ? {} : { build }),
      ...(host === undefined ? {} : { host }),
      ...(experiment === undefined ? {} : { experimentHash: experiment }),
    };
    const { state, effects } = createWorker(
      { hello, helloRetryMs: 2_000, coordinatorTimeoutMs: 60_000 },
      this.#now,
    );
    this.#workers.set(name, {
      state,
      dataHash: data,
      programs: programs === '' ? undefined : programsOf(programs),
      loading: false,
      ...{ fingerprint: 'right', stateHash: 'whole' },
    });
    for (const effect of effects) this.#perform(name, effect);
  }

  #tell(event: CoordinatorEvent) {
    const { state, effects } = advanceCoordinator(this.#coordinator!, event, this.#now);
    this.#coordinator = state;
    for (const effect of effects) this.#performForCoordinator(effect);
  }

  #raise(name: string, event: WorkerEvent) {
    const worker = this.#workers.get(name)!;
    const { state, effects } = advanceWorker(worker.state, event, this.#now);
    worker.state = state;
    for (const effect of effects) this.#perform(name, effect);
  }

  #perform(name: string, effect: WorkerEffect) {
    if (effect.type === 'send') {
      this.#mail.push({ worker: name, message: effect.message, up: true });
      return;
    }
    const details = effect.type === 'connect' ? `rank=${effect.rank}` : show(effect);
    this.#lines.push(`${name}: ${effect.type} ${details}`.trimEnd());
    if (effect.type === 'load') this.#workers.get(name)!.loading = true;
    if (effect.type === 'exit') this.#workers.delete(name);
    if (effect.type === 'checkpoint') {
      const message = { type: 'checkpoint', step: effect.step, header: {}, frames: [] } as const;
      this.#mail.push({ worker: name, message, up: true });
    }
  }

  #performForCoordinator(effect: CoordinatorEffect) {
    switch (effect.type) {
      case 'send':
        this.#mail.push({ worker: effect.worker, message: effect.message, up: false });
        return;
      case 'sendCheckpoint': {
        const { worker, generation, step } = effect;
        const message = { type: 'restore', generation, step, header: {}, frames: [] } as const;
        this.#mail.push({ worker, message, up: false });
        return;
      }
      case 'storeCheckpoint':
        this.#toSave = effect.step;
        break;
      default:
        break;
    }
    const nested = effect.type === 'journal' ? effect.entry : effect.type === 'event' ? effect.event : effect;
    const kind = nested === effect ? '' : ` ${nested.type}`;
    this.#lines.push(`coordinator: ${effect.type}${kind} ${show(nested)}`.trimEnd());
  }

  #deliver() {
    for (let mail = this.#mail.shift(); mail !== undefined; mail = this.#mail.shift()) {
      const { worker, message, up } = mail;
      const isDead = !up && !this.#workers.has(worker);
      if (message.type !== 'heartbeat') {
        const fields = message.type === 'hello' || message.type === 'welcome' ? '' : show(message);
        const line = `${up ? `${worker} → coordinator` : `coordinator → ${worker}`}: ${message.type} ${fields}`;
        this.#lines.push(`${line.trimEnd()}${isDead ? ' (nobody there)' : ''}`);
      }
      if (isDead) continue;
      if (up) this.#tell({ type: 'message', worker, message: message as WorkerMessage });
      else this.#raise(worker, { type: 'message', message: message as CoordinatorMessage });
    }
  }

  #endJob(name: string) {
    const worker = this.#workers.get(name)!;
    const { activity } = worker.state;
    if (worker.loading) {
      worker.loading = false;
      const { dataHash, programs } = worker;
      const program = { ...outline, dataHash, ...(programs === undefined ? {} : { programs }) };
      return this.#raise(name, { type: 'loaded', program });
    }
    const { fingerprint } = worker;
    // At steps with a checkpoint, as the outline says.
    const whole = activity.kind === 'update' && outline.plan(activity.step).stateHash;
    switch (activity.kind) {
      case 'segment':
      case 'evaluate':
        return this.#raise(name, { type: 'segmentDone' });
      case 'update':
        return this.#raise(name, {
          ...{ type: 'updateDone', fingerprint },
          ...(whole && { stateHash: worker.stateHash }),
          report: {},
        });
      case 'search':
        return this.#raise(name, { type: 'searched', step: activity.step, message: 'log makes a NaN' });
      case 'finish':
        return this.#raise(name, { type: 'finishDone', fingerprint, result: {} });
      case 'acquire':
        return this.#raise(name, {
          type: 'stateReady',
          generation: activity.generation,
          step: activity.step,
        });
      case 'idle':
      case 'exchange':
      case 'exchangeEvaluation':
        throw new Error(`${name} has no job to end: ${activity.kind}`);
      default:
        activity satisfies never;
    }
  }

  #exchange(names: readonly string[] = []) {
    const members = this.#members();
    const keys = members.map(({ state: { activity, membership, step } }) =>
      activity.kind === 'exchange'
        ? `${membership?.generation}/${activity.step}/${activity.exchange}`
        : `${membership?.generation}/${step}/${activity.kind}`,
    );
    const { activity, membership, step } = members[0]?.state ?? {};
    const isReached =
      new Set(keys).size === 1 && (activity?.kind === 'exchange' || activity?.kind === 'exchangeEvaluation');
    if (!isReached || !membership || step === undefined) return;
    const { generation } = membership;
    for (const { state } of members) {
      const name = state.config.hello.worker;
      if (names.length > 0 && !names.includes(name)) continue;
      if (activity.kind === 'exchange') this.#raise(name, { ...activity, type: 'exchangeDone', generation });
      else
        this.#raise(name, {
          type: 'evaluationDone',
          generation,
          step,
          exchange: 2,
          stop: false,
          report: {},
        });
    }
  }

  /** Raises `nonFinite` instead of the end of an update or of a checkpoint. */
  #findNonFinite(name: string, cause: string, { state }: Options) {
    const { activity } = this.#workers.get(name)!.state;
    const step = activity.kind === 'update' ? activity.step : 0;
    const found =
      state !== undefined
        ? ({ cause: 'state', step: Number(state), what: ['parameter w'] } as const)
        : cause === 'update'
          ? ({ cause, step, what: ['parameter w'] } as const)
          : ({ cause: 'step', step, what: ['loss'] } as const);
    this.#raise(name, { type: 'nonFinite', found });
  }

  #members() {
    const named = [...this.#coordinator!.workers].filter(([, { status }]) => status === 'member');
    return named.map(([name]) => this.#workers.get(name)).filter((worker) => worker !== undefined);
  }

  #runTo(step: number) {
    for (let round = 0; round < 100; round++) {
      this.#deliver();
      const members = this.#members();
      if (members.length > 0 && members.every(({ state }) => state.step === step)) break;
      for (const [name, { state, loading }] of [...this.#workers]) {
        const waits = ['idle', 'exchange', 'exchangeEvaluation'].includes(state.activity.kind);
        if (loading || (!waits && state.step < step)) this.#endJob(name);
      }
      this.#exchange();
    }
    this.#deliver();
    this.#lines = this.#lines.filter((line) => line.startsWith('coordinator: '));
  }

  #pass(durationMs: number) {
    for (let passed = 0; passed < durationMs; passed += TICK_MS) {
      this.#now += TICK_MS;
      this.#tick();
    }
  }

  /** Raises a tick for all processes, or for the named ones. */
  #tick(names: readonly string[] = []) {
    const ticks = (name: string) => names.length === 0 || names.includes(name);
    for (const name of [...this.#workers.keys()]) if (ticks(name)) this.#raise(name, { type: 'tick' });
    if (ticks('coordinator')) this.#tell({ type: 'tick' });
    this.#deliver();
  }

  #status() {
    const { phase, generation, workers } = this.#coordinator!;
    const known = [...workers].map(([name, { status }]) => `${name} ${status}`);
    this.#lines.push(`coordinator: ${phase}, generation ${generation}; ${known.join(', ') || 'no workers'}`);
    for (const [name, { state }] of this.#workers) {
      this.#lines.push(`${name}: ${state.phase}, holds step ${state.step}, ${state.activity.kind}`);
    }
  }
}

/** Runs a script. Keeps comments and blank lines, and writes the output below each line of dashes. */
function replay(script: string): string {
  const cluster = new ScriptedCluster();
  const blocks = script.trimEnd().split(/\n{2,}/);
  const replayed = blocks.map((block) => {
    const [input = ''] = block.split('\n----');
    const commands = input.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    if (commands.length === 0) return block;
    const output = commands.map((command) => cluster.execute(command)).filter((text) => text !== 'nothing');
    return `${input}\n----\n${output.join('\n') || 'nothing'}`;
  });
  return `${replayed.join('\n\n')}\n`;
}

describe('interaction', () => {
  const folder = fileURLToPath(new URL('./testdata/', import.meta.url));
  it.each(readdirSync(folder))('%s', (name) => {
    const path = `${folder}${name}`;
    const script = readFileSync(path, 'utf8');
    const replayed = replay(script);
    if (process.env.REWRITE === '1') writeFileSync(path, replayed);
    else expect(replayed).toBe(script);
  });
});
