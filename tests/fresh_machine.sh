#!/bin/sh
# Shows that the README's two commands work on a machine that has nothing but Debian, Python, git and make.
#
#   sudo sh tests/fresh_machine.sh [--only demo|test] [--log FILE] [FOLDER]
#
# Makes a minimal Debian in FOLDER (new or empty; a temporary one otherwise), clones HEAD of this checkout into it, and
# runs there nothing but `make demo`, which is ended by Ctrl-C's signal once the violation has appeared, and `make test`.
# How this machine reaches its packages (pip, apt, proxies, certificates) is passed on; see fresh/package_settings.sh.
# Everything is removed at the end; only the log stays. A full run takes from several minutes to an hour.
#
# Needs root, debootstrap, git and util-linux. Exit codes: 0 both did what they promise, 1 one did not, 2 wrong use,
# 3 this machine cannot make the other one.
set -eu

SUITE=bookworm
PACKAGES=python3,python3-venv,git,make,ca-certificates
HERE=$(cd "$(dirname "$0")" && pwd)
CHECKOUT=$(dirname "$HERE")

fail() { # exit code, message
  echo "fresh_machine: $2" >&2
  exit "$1"
}

say() {
  echo "$(date +%H:%M:%S)  $1" | tee -a "$log"
}

steps="demo test" log="" folder=""
while [ $# -gt 0 ]; do
  case $1 in
    --only) steps=${2:-} && shift ;;
    --log) log=${2:-} && shift ;;
    -*) fail 2 "$1: unknown option; see the head of this file" ;;
    *) folder=$1 ;;
  esac
  shift
done
case $steps in "demo test" | demo | test) ;; *) fail 2 "--only: expected demo or test, got '$steps'" ;; esac

[ "$(id -u)" = 0 ] || fail 3 "expected root, which mounts and chroot need; run it with sudo"
for tool in debootstrap git unshare timeout chroot; do
  command -v $tool >/dev/null || fail 3 "$tool is missing; install it (on Debian: apt install debootstrap git util-linux)"
done
if [ -n "$folder" ]; then
  mkdir -p "$folder"
  [ -z "$(ls -A "$folder")" ] || fail 2 "$folder: expected a new or an empty folder: everything in it is removed"
else
  folder=$(mktemp -d "${TMPDIR:-/tmp}/coldseal-fresh.XXXXXX")
fi
log=${log:-$folder.log}
: >"$log"
machine=$folder/machine

# The mounts live in the step's own namespace and are gone with it: nothing is mounted here when the folder is removed.
inside=""
clean_up() {
  if [ -n "$inside" ]; then
    kill -KILL "$inside" 2>/dev/null || true
    wait "$inside" 2>/dev/null || true
  fi
  rm -rf --one-file-system "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

step_failed() {
  tail -n 40 "$log" >&2
  fail "$1" "$2 (log: $log)"
}

mirror=$(sh "$HERE/fresh/package_settings.sh" mirror $SUITE)
say "a minimal Debian $SUITE in $folder"
# shellcheck disable=SC2086 - no mirror is no argument
debootstrap --variant=minbase --include=$PACKAGES $SUITE "$machine" $mirror >>"$log" 2>&1 ||
  step_failed 3 "debootstrap failed"
sh "$HERE/fresh/package_settings.sh" pass_on $SUITE "$machine" >>"$log" 2>&1 ||
  step_failed 3 "this machine's package settings could not be passed on"
git clone --quiet "$CHECKOUT" "$machine/srv/coldseal" >>"$log" 2>&1 || step_failed 3 "git clone failed"
[ -z "$(git -C "$CHECKOUT" status --porcelain)" ] || say "note: the checkout has changes that HEAD has not; HEAD is what runs"
say "HEAD is $(git -C "$machine/srv/coldseal" log -1 --format='%h %s')"

for step in $steps; do
  say "make $step"
  began=$(date +%s)
  unshare --mount --propagation private --pid --fork --kill-child \
    sh "$HERE/fresh/inside.sh" "$folder" "$step" >>"$log" 2>&1 &
  inside=$!
  wait "$inside" || step_failed 1 "make $step did not do what it promises"
  inside=""
  say "make $step: as promised, after $(($(date +%s) - began)) s"
done
