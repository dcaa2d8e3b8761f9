/** Models of a step on other machines, and what a batch of another size brings. Pure functions of numbers. */
export { type NetworkLink, parseLatency, parseRate, rateText } from './link.ts';
export { breakEvenRate, type ModelledStep, modelStep, payloadShare, type StepCosts } from './step-model.ts';
export { type BucketTraffic, type ExchangedBucket, isCut, trafficOf } from './traffic.ts';
