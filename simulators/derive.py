"""What physics fixes among electrical quantities: fills in what a recording lacks and guesses nothing.

A phase counts when the recording names its current, active or apparent power. Signs come from the power factor, so
nothing here makes a reactive power (lagging or leading) or a phase's share of a total.
"""

from collections.abc import Callable, Mapping

from wire.quantities import Quantity

Cells = Mapping[Quantity, float | None]
"""One row of a recording: a value, or None where it was not read. Absent: the recording has no such column."""

_Rule = Callable[[Cells], float | None]

PHASES = (1, 2, 3)


def phase(stem: str, number: int, unit: str) -> Quantity:
    """The quantity of one phase, as `phase("voltage", 1, "_v")`."""
    return Quantity(f"{stem}_l{number}{unit}")


def complete(given: Cells) -> dict[Quantity, float | None]:
    """A row with everything added that the given columns fix.

    Args:
        given: the recording's own cells. They are never replaced, not even an empty one.

    Returns:
        The given cells and, per phase and in total, active power from U·I·PF, apparent power from U·I, the power
        factor from P/S and the current from P/(U·PF). None where an input was not read or the quotient is undefined.
    """
    cells = dict(given)
    counted = [k for k in PHASES if _counts(given, k)]
    for number in counted:
        for quantity, rule in _phase_rules(number, alone=len(counted) == 1):
            _fill(cells, quantity, rule)
    for quantity, rule in _total_rules([] if _in_part(given, counted) else counted):
        _fill(cells, quantity, rule)
    return cells


def _counts(given: Cells, number: int) -> bool:
    stems = (("current", "_a"), ("active_power", "_w"), ("apparent_power", "_va"))
    return any(phase(stem, number, unit) in given for stem, unit in stems)


def _in_part(given: Cells, counted: list[int]) -> bool:
    """Whether a total stands beside some of the phases only: then their sum need not be the total."""
    return len(counted) < len(PHASES) and any(
        total in given for total in (Quantity.ACTIVE_POWER_W, Quantity.APPARENT_POWER_VA)
    )


def _fill(cells: dict[Quantity, float | None], quantity: Quantity, rule: _Rule) -> None:
    if quantity in cells:
        return
    try:
        cells[quantity] = rule(cells)
    except KeyError:  # a column that the rule needs is not in the recording, and no earlier rule made it
        return


def _phase_rules(number: int, *, alone: bool) -> list[tuple[Quantity, _Rule]]:
    u, i = phase("voltage", number, "_v"), phase("current", number, "_a")
    p, s = phase("active_power", number, "_w"), phase("apparent_power", number, "_va")
    pf = phase("power_factor", number, "")
    rules: list[tuple[Quantity, _Rule]] = [
        (pf, lambda c: c[Quantity.POWER_FACTOR]),
        (i, lambda c: _quotient(_magnitude(c[p]), _product(c[u], _magnitude(c[pf])))),
        (s, lambda c: _product(c[u], c[i])),
        (p, lambda c: _product(c[s], c[pf])),
        (pf, lambda c: _quotient(c[p], c[s])),
    ]
    return rules if alone else rules[1:]


def _total_rules(counted: list[int]) -> list[tuple[Quantity, _Rule]]:
    p, s, pf = Quantity.ACTIVE_POWER_W, Quantity.APPARENT_POWER_VA, Quantity.POWER_FACTOR
    q = Quantity.REACTIVE_POWER_VAR
    return [
        (p, lambda c: _sum(c, [phase("active_power", k, "_w") for k in counted])),
        (q, lambda c: _sum(c, [phase("reactive_power", k, "_var") for k in counted])),
        (s, lambda c: _sum(c, [phase("apparent_power", k, "_va") for k in counted])),
        (p, lambda c: _product(c[s], c[pf])),
        (s, lambda c: _quotient(_magnitude(c[p]), _magnitude(c[pf]))),
        (pf, lambda c: _quotient(c[p], c[s])),
    ]


def _sum(cells: Cells, quantities: list[Quantity]) -> float | None:
    if not quantities:
        raise KeyError
    values = [cells[quantity] for quantity in quantities]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _product(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a * b


def _quotient(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None or b == 0 else a / b


def _magnitude(a: float | None) -> float | None:
    return None if a is None else abs(a)
