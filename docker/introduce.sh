#!/bin/sh
# The agent's half of the introduction: makes its key where there is none, and leaves the public half for the server.
#   introduce IDENTITY.yaml FOLDER
set -eu
coldseal agent key --json "$1" >"$2/agent.json.part"
mv "$2/agent.json.part" "$2/agent.json"
