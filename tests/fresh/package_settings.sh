#!/bin/sh
# How this machine reaches its packages, for tests/fresh_machine.sh. It names no host and no path: it asks apt and pip.
#
#   package_settings.sh mirror SUITE             print the Debian mirror that apt uses for SUITE; nothing if it uses none
#   package_settings.sh pass_on SUITE MACHINE    copy the settings into the file system MACHINE, and list in
#                                                MACHINE/../shared_paths the folders that are to be mounted into it
set -eu

mirror() {
  command -v apt-get >/dev/null || return 0
  # shellcheck disable=SC2016 - apt-get fills these in
  apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 2>/dev/null | awk -v suite="$1" '$1 == suite { print $2; exit }'
}

copy() { # file or folder, to the same place over there
  mkdir -p "$machine$(dirname "$1")"
  cp -RL "$1" "$machine$(dirname "$1")/"
}

pass_on_certificates() {
  for own in /usr/local/share/ca-certificates/*.crt; do
    [ ! -e "$own" ] || copy "$own"
  done
  chroot "$machine" update-ca-certificates
}

pass_on_apt() { # only where they are for this suite
  [ -n "$(mirror "$1")" ] || return 0
  for part in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
    /etc/apt/trusted.gpg.d /etc/apt/keyrings; do
    [ ! -e "$part" ] || copy "$part"
  done
  for keyring in $(grep -rhoE '^Signed-By: */[^ ]+|signed-by=/[^] ]+' /etc/apt/sources.list* | sed 's/^[^/]*//'); do
    [ ! -e "$keyring" ] || copy "$keyring"
  done
  [ -e /etc/apt/sources.list ] || rm -f "$machine/etc/apt/sources.list" # debootstrap's own
  apt-config dump Acquire | grep -E '^Acquire::(https?::(Proxy|Timeout|Verify|CaInfo)|Retries|ForceIPv)' \
    >"$machine/etc/apt/apt.conf.d/90fresh-machine" || true
}

pass_on_pip() {
  pip=$(command -v pip3 || command -v pip) || return 0
  "$pip" config debug | sed -n 's/^ *\(\/.*\), exists: True$/\1/p' | while IFS= read -r file; do copy "$file"; done
  # What the settings name: files are copied, folders mounted; of a file: URL the folder above, as an index has its
  # files beside it.
  "$pip" config list | sed -e 's/^[^=]*=//' -e "s/^'//" -e "s/'\$//" -e 's/\\n/ /g' | tr ' ' '\n' |
    sed -n -e 's#^file://\(/.*\)/[^/][^/]*/*$#\1#p' -e '/^\//p' | sort -u | while IFS= read -r path; do
    if [ -d "$path" ]; then
      mkdir -p "$machine$path"
      echo "$path" >>"$(dirname "$machine")/shared_paths"
    elif [ -f "$path" ]; then
      copy "$path"
    fi
  done
}

pass_on() {
  machine=$2
  : >"$(dirname "$machine")/shared_paths"
  copy /etc/resolv.conf
  copy /etc/hosts
  pass_on_certificates
  pass_on_apt "$1"
  pass_on_pip
  export -p | grep -E '^export (PIP_[A-Z_]+|[A-Z_]*(CERT|CA_BUNDLE|CAINFO)[A-Z_]*|([a-z]+|[A-Z]+)_(proxy|PROXY))=' \
    >"$machine/etc/fresh-machine.env" || true
}

"$@"
