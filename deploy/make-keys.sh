#!/bin/sh
# The cluster's CURVE keys, made on the first start and kept on later ones:
#   make-keys.sh COORDINATOR_FOLDER WORKERS_FOLDER
# Workers get all but the coordinator's secret key.
set -eu
coordinator=$1 workers=$2

# Renamed when complete: a start that was cut short leaves no half set of keys behind.
if [ ! -d "$coordinator/cluster" ]; then
  rm -rf "$coordinator/new"
  lockstep keys --out "$coordinator/new"
  mv "$coordinator/new" "$coordinator/cluster"
fi

umask 077
rm -rf "$workers/cluster"
cp -R "$coordinator/cluster" "$workers/new"
rm "$workers/new/server.secret"
mv "$workers/new" "$workers/cluster"
