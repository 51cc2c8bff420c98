#!/bin/sh
# Makes what docker-compose.yml asks for: a certificate authority for this machine's broker, a certificate each for
# broker, server and agent (the name in it is who they are), and the database's password.
#   sh docker/make_secrets.sh [FOLDER]      FOLDER: secrets otherwise; it must not exist yet
# The files can be read by the containers' users, so the folder is closed to everyone but its owner.
set -eu
folder=${1:-secrets}
days=825
[ ! -e "$folder" ] || { echo "$folder: is there already, and nothing in it was changed; name another folder" >&2; exit 2; }
command -v openssl >/dev/null || { echo "openssl is missing; install it (on Debian: apt install openssl)" >&2; exit 3; }
mkdir -m 700 "$folder"
cd "$folder"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $days -subj "/CN=ColdSeal broker authority" \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
  -keyout ca.key -out ca.pem 2>/dev/null

certificate() { # name in it, file, extensions
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$2.key" -out "$2.csr" 2>/dev/null
  printf '%s\n' "$3" >"$2.ext"
  openssl x509 -req -in "$2.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days $days -extfile "$2.ext" -out "$2.pem" 2>/dev/null
  rm "$2.csr" "$2.ext"
}

certificate broker broker "subjectAltName=DNS:broker,DNS:localhost,IP:127.0.0.1
extendedKeyUsage=serverAuth"
certificate ingest ingest "extendedKeyUsage=clientAuth"
certificate site-1 site-1 "extendedKeyUsage=clientAuth"
openssl rand -hex 24 >database_password
chmod 444 ./*.pem broker.key ingest.key site-1.key database_password
chmod 400 ca.key
echo "made in $folder: ca, broker, ingest, site-1, database_password; keep ca.key apart from this machine"
