/** A run as one JSON object of moderate size. */
import { identityOf } from './identity.ts';
import { chainOf, metricsOf, type RunRecord } from './record.ts';

/** A run without its curves, and with what they come to. */
export function outlineOf(run: RunRecord) {
  const { curves: _, fingerprints, ...rest } = run;
  const last = fingerprints.at(-1);
  return {
    ...rest,
    identity: identityOf(run),
    metrics: metricsOf(run),
    ...(last && { fingerprint: last.fingerprint, fingerprintStep: last.step, chain: chainOf(run) }),
  };
}
