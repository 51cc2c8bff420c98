"""Passwords: what is refused and why, and that a hash tells nothing but whether it fits."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from server.access import passwords
from server.access.passwords import WeakPassword

GOOD = ("correct horse battery", "封存的炉子不能再点火了吧", "aB3$aB3$aB3$", "x" * 8 + "yz12", "chen-and-the-cat-1987")


@pytest.mark.parametrize("password", GOOD)
def test_what_will_do(password: str) -> None:
    """Length counts, not the kinds of characters; Chinese is as good as anything."""
    passwords.check(password, "chen")


@pytest.mark.parametrize(
    ("password", "rule", "message"),
    [
        ("", "short", "expected at least 12 characters, got 0"),
        ("elevenchars", "short", "expected at least 12 characters, got 11"),
        ("x" * 129, "long", "expected at most 128 characters, got 129"),
        ("li.mingli.ming", "name", "got the name and little else"),
        ("Li.Ming-2026!", "name", "got the name and little else"),
        ("password1234", "common", "among the commonest"),
        ("PassWord1234", "common", "among the commonest"),
        ("ｐａｓｓｗｏｒｄ１２３４", "common", "among the commonest"),
        ("aaaaaaaaaaaa", "common", "among the commonest"),
        ("ababababababab", "common", "among the commonest"),
    ],
)
def test_what_will_not_do(password: str, rule: str, message: str) -> None:
    """Each refusal names its rule, and never repeats what was typed."""
    with pytest.raises(WeakPassword, match=message) as refused:
        passwords.check(password, "li.ming")
    assert refused.value.rule == rule
    assert not password or password not in str(refused.value)


def test_a_hash_fits_its_password_alone() -> None:
    """The right password fits, any other does not, and two hashes of one password differ."""
    stored = passwords.hashed(GOOD[0])

    assert passwords.matches(stored, GOOD[0])
    assert not passwords.matches(stored, GOOD[1])
    assert not passwords.matches(stored, "")
    assert stored != passwords.hashed(GOOD[0])
    assert GOOD[0] not in stored


def test_one_password_on_two_keyboards() -> None:
    """Full-width letters are the same password: input methods switch by themselves."""
    assert passwords.matches(passwords.hashed("ｃｏｒｒｅｃｔ horse battery"), "correct horse battery")


@pytest.mark.parametrize("stored", [None, "", "plain", "$argon2id$v=19$m=65536,t=3,p=4$broken"])
def test_nothing_fits_where_nothing_is_stored(stored: str | None) -> None:
    """No password, or a damaged hash, opens nothing."""
    assert not passwords.matches(stored, GOOD[0])


def test_parameters_are_those_of_the_standard() -> None:
    """RFC 9106's second recommendation; an unknown name is checked with the same ones, so for the same time."""
    for stored in (passwords.hashed(GOOD[0]), passwords.NOBODYS):
        parameters = extract_parameters(stored)
        assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (3, 65_536, 4)
        assert parameters.type is RFC_9106_LOW_MEMORY.type
        assert not passwords.is_outdated(stored)


def test_a_hash_of_other_parameters_is_outdated() -> None:
    """What an earlier release stored still fits, and is known to be of before."""
    old = PasswordHasher(time_cost=1, memory_cost=1_024, parallelism=1).hash(GOOD[0])

    assert passwords.matches(old, GOOD[0])
    assert passwords.is_outdated(old)
