"""The interface under /api/v1: one router a noun, one shape for every error, a token for every route but two."""
