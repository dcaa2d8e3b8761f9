#!/bin/sh
# Compiles the native contractions and their check into a temporary folder and runs it. CXX and RUN may name a cross
# compiler and an emulator: CXX=aarch64-linux-gnu-g++ RUN='qemu-aarch64 -L /usr/aarch64-linux-gnu' ./run.sh
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${CXX:-g++}" -O3 -std=c++17 -ffp-contract=off -fno-math-errno -Wall -Wextra -o "$folder/check" \
  contractions-*.cc scratch.cc check/check.cc
${RUN:-} "$folder/check"
