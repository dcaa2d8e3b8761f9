/** What a member reports of the digests of a step. */
import { crc32 } from 'node:zlib';
import type { StepRecord } from '@lockstep/protocol';
import type { Group } from '../network/invitations.ts';
import type { RecordedDigests } from '../run/run-memory.ts';

export interface ReportedDigests {
  /** Of what all members have the same, in hexadecimal. */
  readonly digest: string;
  readonly record: StepRecord;
}

/** Makes the records of a generation. The first one has the names of the digests, which stay the same in a generation. */
export function createStepRecord({
  rank,
  members,
}: Pick<Group, 'rank' | 'members'>): (recorded: RecordedDigests) => ReportedDigests {
  const { shards } = members[rank]!;
  let form: number | undefined;
  return ({ form: { exchanges, replica }, blocks, digests, agreed }) => {
    const names = form === undefined ? JSON.stringify({ exchanges, replica }) : undefined;
    form ??= crc32(names!);
    return {
      digest: agreed.toString(16).padStart(16, '0'),
      record: { rank, shards, blocks, form, digests, ...(names !== undefined && { names }) },
    };
  };
}
