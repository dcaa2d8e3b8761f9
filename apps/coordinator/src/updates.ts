/** What a coordinator tells whoever watches it: people, pages, programs. */

import type { OpaqueRecord, Outcome, RunEvent } from '@lockstep/protocol';
import type { Notice } from './notices.ts';
import type { NonFiniteWarning } from './warnings.ts';

export type Update =
  | { readonly type: 'event'; readonly event: RunEvent }
  /** Once a step, in order. `report`: `metrics` by name, `chain` and `totalSteps`; the same on all members. */
  | {
      readonly type: 'progress';
      readonly step: number;
      readonly fingerprint?: string;
      readonly report: OpaqueRecord;
    }
  | {
      readonly type: 'evaluation';
      readonly step: number;
      readonly final: boolean;
      readonly report: OpaqueRecord;
    }
  | { readonly type: 'checkpoint'; readonly step: number }
  /** Something went wrong that the run goes on after. */
  | { readonly type: 'notice'; readonly notice: Notice }
  /** Something is not finite, and the run goes on. */
  | { readonly type: 'warning'; readonly warning: NonFiniteWarning }
  /** Someone without the right keys, or whose bytes are no messages of ours. */
  | { readonly type: 'turnedAway'; readonly reason: string }
  | { readonly type: 'done'; readonly outcome: Outcome };
