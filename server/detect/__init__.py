"""Pure numpy: arrays in, findings out. No clock, no database, no settings."""
