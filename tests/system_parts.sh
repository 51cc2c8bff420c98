#!/bin/sh
# What the tests need beside Python: a real broker, PostgreSQL, an independent Modbus client, a browser, a
# Chinese font, and the validators of docker-compose and systemd.
# Installs what is missing when it may (root); otherwise says the one line that does, and fails.
set -eu

PACKAGES="mosquitto mosquitto-clients mbpoll chromium fonts-noto-cjk libatomic1 openssl postgresql docker-compose systemd"
PATH="$PATH:/usr/sbin:/sbin"

missing=""
command -v mosquitto >/dev/null || missing="$missing mosquitto"
command -v mosquitto_sub >/dev/null || missing="$missing mosquitto-clients"
command -v mbpoll >/dev/null || missing="$missing mbpoll"
command -v chromium >/dev/null || missing="$missing chromium"
command -v openssl >/dev/null || missing="$missing openssl"
command -v docker-compose >/dev/null || missing="$missing docker-compose" # its validator; no engine is needed
command -v systemd-analyze >/dev/null || missing="$missing systemd"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing="$missing postgresql"
ldconfig -p | grep -q libatomic.so.1 || missing="$missing libatomic1" # Playwright's driver needs it
ls /usr/share/fonts/opentype/noto/NotoSansCJK-*.ttc >/dev/null 2>&1 || missing="$missing fonts-noto-cjk"

[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing for the tests:$missing"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  # policy-rc.d keeps Debian from starting its own broker and database: the tests start theirs on free ports
  apt-get -qq update >"$log" 2>&1 && RUNLEVEL=1 apt-get -qq install -y --no-install-recommends $missing >>"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    echo "the tests need:$missing; installing them failed (above)" >&2
    exit 3
  }
  rm -f "$log"
  exit 0
fi
echo "the tests need more of the system; install it with: apt-get install -y --no-install-recommends $PACKAGES" >&2
exit 3
