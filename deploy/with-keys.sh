#!/bin/sh
# Runs `lockstep` with these arguments, as the coordinator of a cluster whose CURVE keys are made on the first start
# and kept on later ones. Workers get all but the coordinator's secret key. A container that is started again goes on
# with the run that it began: `docker compose up --scale` starts one that has exited, and nobody asked for another run.
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

# A container keeps its host name when it is started again; one that compose makes anew has another.
mark=/runs/.containers/$(hostname)
if [ ! -e "$mark" ]; then
  mkdir -p "${mark%/*}"
  touch "$mark"
  exec lockstep "$@"
fi
# The oldest run since the first start is the one that this container began. A run's code is written once.
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
echo "this container goes on with its run; for a new one: docker compose up --force-recreate coordinator" >&2
exec lockstep resume "${run%/experiment.mjs}" --workers 0 --bind "$bind" --keys "$keys" $json
