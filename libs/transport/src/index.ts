/**
 * The ZeroMQ sockets of a cluster: the control plane (one server, many clients) and the data plane (a full mesh). It carries
 * bytes and knows nothing of their meaning. Every socket has a send queue, one receive loop and heartbeats, and needs CURVE
 * keys on any address that other machines can reach. Only the main thread opens sockets.
 */
export type {
  ControlClient,
  ControlClientOptions,
  ControlListeners,
  ControlServer,
  ControlServerOptions,
} from './control.ts';
export { createControlClient, createControlServer } from './control.ts';
export type { Endpoint } from './endpoint.ts';
export { advertisedEndpoint, isLoopback, localAddressTowards, parseEndpoint } from './endpoint.ts';
export type { ClientKeys, KeyPair, Keys, ServerKeys } from './keys.ts';
export {
  generateKeys,
  readClientKeys,
  readServerKeys,
  requireKeysUnlessLoopback,
  writeKeys,
} from './keys.ts';
export type { Mesh, MeshOptions } from './mesh.ts';
export { createMesh } from './mesh.ts';
export type { Frames } from './socket.ts';
export type { Refusal } from './zap.ts';
