#!/bin/sh
# The server's half: registers the agent that introduced itself and its seal, and writes the agent's settings.
# A second run changes nothing.
#   enrol FOLDER TEMPLATE.yaml SEALS.yaml DATA
set -eu
folder=$1 template=$2 seals=$3 data=$4

said() { # file, key
  python -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"
}

agent=$(said "$folder/agent.json" agent)
coldseal server agents add "$agent" --key "$(said "$folder/agent.json" public_key)" --data "$data" --json >"$folder/server.json"
seal=$(sed -n 's/^ *- seal: *//p' "$seals")
coldseal seal show "$seal" --data "$data" >/dev/null 2>&1 || coldseal seal add "$seals" --data "$data"
{
  cat "$template"
  echo "deployment: $(said "$folder/server.json" deployment)"
  echo "server_key: \"$(said "$folder/server.json" server_key)\""
} >"$folder/agent.yaml.part"
mv "$folder/agent.yaml.part" "$folder/agent.yaml"
echo "enrolled: agent $agent, seal $seal"
