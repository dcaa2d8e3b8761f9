/** Where a worker listens for its peers, and where they find it. */
import { advertisedEndpoint, isLoopback, localAddressTowards, parseEndpoint } from '@lockstep/transport';

export interface AddressOptions {
  /** The coordinator: `tcp://host:port`. */
  readonly join: string;
  /** Where this worker listens for its peers. Default: a free port of the address that reaches the coordinator. */
  readonly bind?: string;
  /** The host that peers should use to reach this worker, where that is not the one it binds. */
  readonly advertise?: string;
}

/** The address to listen on: one that only this machine reaches, if the coordinator's is such a one. */
export async function bindAddress({ join, bind }: AddressOptions): Promise<string> {
  if (bind !== undefined) return bind;
  const target = parseEndpoint(join);
  if (isLoopback(join) || target.transport === 'ipc') return 'tcp://127.0.0.1:0';
  return `tcp://${await localAddressTowards(target.host)}:0`;
}

/** The endpoint for peers: of the advertised host, or of the address that reaches the coordinator. */
export async function peerEndpoint(bound: string, { join, advertise }: AddressOptions): Promise<string> {
  const own = parseEndpoint(bound);
  const target = parseEndpoint(join);
  if (advertise !== undefined && own.transport === 'tcp') {
    const endpoint = `tcp://${advertise}:${own.port}`;
    // A mistake in the advertised host must show here, not in the peers that are told to connect to it.
    parseEndpoint(endpoint);
    return endpoint;
  }
  return target.transport === 'tcp' ? advertisedEndpoint(bound, target.host) : bound;
}
