"""The pages that people look at, on the server's own application. Chinese first."""

from server.console.mount import register

__all__ = ["register"]
