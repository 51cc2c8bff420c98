"""The register maps that come with ColdSeal. Agent and simulator must find the same map under the same name."""

from functools import cache
from importlib.abc import Traversable
from importlib.resources import files
from pathlib import Path

from wire.errors import ProfileError
from wire.profile import Profile, digest, load

BLUEPRINT = "BLUEPRINT.yaml"
"""A commented file to copy, no profile itself."""


class LoadedProfile:
    """A profile together with the SHA-256 of the text that it came from.

    Attributes:
        profile: the register map.
        digest: SHA-256 of the file's text, base64url.
    """

    def __init__(self, profile: Profile, text: str) -> None:
        self.profile = profile
        self.digest = digest(text)


def names() -> tuple[str, ...]:
    """Names of the profiles that come with ColdSeal, sorted."""
    return tuple(sorted(p.name[:-5] for p in _folder().iterdir() if p.name.endswith(".yaml") and p.name != BLUEPRINT))


def find(name_or_path: str) -> LoadedProfile:
    """A shipped profile by name, or any file by a path that ends in .yaml.

    Raises:
        ProfileError: no such name or file, or its content contradicts itself.
    """
    if name_or_path.endswith((".yaml", ".yml")):
        try:
            text = Path(name_or_path).read_text(encoding="utf-8")
        except OSError as error:
            raise ProfileError(f"{name_or_path}: cannot be read: {error.strerror}; check the path") from error
        return LoadedProfile(load(text, name_or_path), text)
    if name_or_path not in names():
        raise ProfileError(f"profile {name_or_path!r}: expected one of {', '.join(names())}, or a path to a .yaml file")
    return _shipped(name_or_path)


@cache
def _shipped(name: str) -> LoadedProfile:
    """Read once: what is installed does not change under a running program."""
    text = (_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    return LoadedProfile(load(text, f"{name}.yaml"), text)


def _folder() -> Traversable:
    return files("firmware_configs") / "meters"
