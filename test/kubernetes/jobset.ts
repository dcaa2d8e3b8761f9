/**
 * The fields of a JobSet of jobset.x-k8s.io/v1alpha2, as its reference documentation names them: no package has its published schema.
 * What a JobSet's Jobs are is Kubernetes' own schema.
 */
import type { IJobSpec } from 'kubernetes-models/batch/v1';
import type { IJob } from 'kubernetes-models/batch/v1/Job';

export interface IJobSet {
  apiVersion: 'jobset.x-k8s.io/v1alpha2';
  kind: 'JobSet';
  metadata: NonNullable<IJob['metadata']>;
  spec: {
    replicatedJobs: ReplicatedJob[];
    network?: { enableDNSHostnames?: boolean; subdomain?: string; publishNotReadyAddresses?: boolean };
    successPolicy?: { operator: 'All' | 'Any'; targetReplicatedJobs?: string[] };
    failurePolicy?: {
      maxRestarts?: number;
      restartStrategy?: 'Recreate' | 'BlockingRecreate';
      rules?: FailurePolicyRule[];
    };
    suspend?: boolean;
    coordinator?: { replicatedJob: string; jobIndex?: number; podIndex?: number };
    managedBy?: string;
    ttlSecondsAfterFinished?: number;
  };
}

interface ReplicatedJob {
  name: string;
  groupName?: string;
  replicas?: number;
  template: { metadata?: NonNullable<IJob['metadata']>; spec: IJobSpec };
  dependsOn?: { name: string; status: 'Ready' | 'Complete' }[];
}

interface FailurePolicyRule {
  name?: string;
  action: 'FailJobSet' | 'RestartJobSet' | 'RestartJobSetAndIgnoreMaxRestarts';
  onJobFailureReasons?: string[];
  targetReplicatedJobs?: string[];
}
