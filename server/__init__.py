"""The judge: ingest, verify, store, detect, violations. It shares only `wire` with the agents that it judges."""
