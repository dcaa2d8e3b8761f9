#!/bin/sh
# Runs `lockstep` with these arguments, as the coordinator of a cluster. The first start makes the cluster's CURVE keys,
# later starts reuse them. Workers get all keys but the coordinator's secret key. A restarted container continues its run,
# because `docker compose up --scale` also restarts a container that has exited, which must not start another run.
set -eu
coordinator=/keys/coordinator workers=/keys/workers

# The folder is renamed when it is complete, so an interrupted start leaves no partial set of keys.
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

# A restarted container keeps its host name; a recreated container gets another one.
mark=/runs/.containers/$(hostname)
if [ ! -e "$mark" ]; then
  mkdir -p "${mark%/*}"
  touch "$mark"
  exec lockstep "$@"
fi
# The oldest run since the first start is the run of this container. A run's code is written only once.
run=$(find /runs -mindepth 2 -maxdepth 2 -name experiment.mjs -newer "$mark" -exec ls -tr {} + | head -n 1)
if [ "$1" = resume ] || [ -z "$run" ]; then exec lockstep "$@"; fi
bind='' keys='' json=''
while [ $# -gt 0 ]; do
  case $1 in
    --bind) bind=$2 ;;
    --keys) keys=$2 ;;
    --json) json=--json ;;
  esac
  shift
done
echo "this container continues its run; for a new run: docker compose up --force-recreate coordinator" >&2
exec lockstep resume "${run%/experiment.mjs}" --workers 0 --bind "$bind" --keys "$keys" $json
