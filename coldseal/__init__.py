"""The command line and nothing else: it may name all programs, and none imports it."""
