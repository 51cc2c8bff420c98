"""The unified social credit code of a Chinese enterprise (GB 32100-2015)."""

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 characters: no I, O, S, V, Z."""

LENGTH = 18


def check_character(first_17: str) -> str:
    """The last character of the code that begins with these 17 (weights 3^i mod 31)."""
    total = sum(ALPHABET.index(character) * pow(3, i, 31) for i, character in enumerate(first_17))
    return ALPHABET[-total % 31]


def checked(text: str) -> str:
    """The code, in capitals.

    Raises:
        ValueError: wrong length, a character that the code does not have, or a check character that does not fit.
    """
    code = text.strip().upper()
    if len(code) != LENGTH:
        raise ValueError(f"expected {LENGTH} characters, got {len(code)} in {text!r}; in a spreadsheet, make it text")
    foreign = sorted(set(code) - set(ALPHABET))
    if foreign:
        raise ValueError(f"expected digits and capitals without I, O, S, V, Z, got {' '.join(foreign)} in {text!r}")
    if code[-1] != check_character(code[:-1]):
        raise ValueError(
            f"expected check character {check_character(code[:-1])} at the end, got {text!r}; look for a typing error"
        )
    return code
