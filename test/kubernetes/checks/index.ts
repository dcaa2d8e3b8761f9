import { commandLines } from './commands.ts';
import { elasticWorkers, failurePolicies } from './failures.ts';
import { mountedKeys, secretVariables } from './keys.ts';
import { budgets, policies, services } from './network.ts';
import { images, namespaceLevel, resources, security, volumes } from './pods.ts';

export const checks = {
  ...{ failurePolicies, elasticWorkers, commandLines, services, policies, budgets },
  ...{ security, namespaceLevel, resources, images, volumes, mountedKeys, secretVariables },
};

export type CheckName = keyof typeof checks;
