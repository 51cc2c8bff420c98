#!/bin/sh
# One step on the fresh machine, for tests/fresh_machine.sh: it is the first process of a namespace of its own, so its
# mounts and whatever it leaves running end with it.
#
#   inside.sh FOLDER demo|test
set -eu

folder=$1 step=$2
machine=$folder/machine
DEMO_WAIT_S=1800
TEST_WAIT_S=7200

mount -t proc proc "$machine/proc"
mount --rbind /sys "$machine/sys"
mount --rbind /dev "$machine/dev" # pseudo-terminals are the demo's serial line
while IFS= read -r path; do
  mount --bind "$path" "$machine$path"
  mount -o remount,bind,ro "$machine$path"
done <"$folder/shared_paths"

# The machine's own words only: nothing of the caller's environment but how packages are reached. Ctrl-C works again
# where whoever started this had it ignored.
run() { # seconds, command
  seconds=$1
  shift
  exec timeout --kill-after=30 --signal=INT "$seconds" env -i --default-signal=INT \
    HOME="$HOME" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    chroot "$machine" sh -c '. /etc/fresh-machine.env; cd /srv/coldseal; exec "$@"' sh "$@"
}

demo() {
  rm -f "$folder/reached"
  (
    exec 2>&1
    sh -c 'echo $PPID' >"$folder/demo_pid"
    run $DEMO_WAIT_S make demo
  ) | while IFS= read -r line; do
    printf '%s\n' "$line"
    case $line in
      *恢复用电*) : >"$folder/reached" ;;
      *' evidence '*) kill -INT "$(cat "$folder/demo_pid")" ;; # the violation is told to its end
    esac
  done
  [ -e "$folder/reached" ] || { echo "the demo ended before its violation" >&2 && exit 1; }
}

case $step in
  demo) demo ;;
  test) run $TEST_WAIT_S make test ;;
esac
