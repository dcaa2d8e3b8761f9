#!/bin/sh
# Runs `lockstep` with these arguments, as the coordinator of a cluster whose CURVE keys are made on the first start
# and kept on later ones. Workers get all but the coordinator's secret key.
set -eu
coordinator=/keys/coordinator workers=/keys/workers

# Renamed when complete: a start that was cut short leaves no half set of keys behind.
if [ ! -d $coordinator/cluster ]; then
  rm -rf $coordinator/new
  lockstep keys --out $coordinator/new >/dev/null
  mv $coordinator/new $coordinator/cluster
fi
if ! cmp -s $coordinator/cluster/client.secret $workers/cluster/client.secret; then
  rm -rf $workers/cluster $workers/new
  cp -R $coordinator/cluster $workers/new
  rm $workers/new/server.secret
  mv $workers/new $workers/cluster
fi
exec lockstep "$@"
