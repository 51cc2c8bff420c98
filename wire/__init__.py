"""Formats that two programs must agree on byte for byte. No sockets, no state, imports none of ours."""
