"""CT and PT ratio: which quantities they scale."""

from wire.quantities import Quantity
from wire.reading import Reason, Unreadable, Value

_CT_AND_PT = ("_w", "_var", "_va", "_wh")


def uses(quantity: Quantity) -> tuple[bool, bool]:
    """Whether CT and PT ratio turn a quantity's secondary value into its primary one."""
    name = quantity.value
    both = name.endswith(_CT_AND_PT)
    return both or name.startswith("current_"), both or name.startswith("voltage_")


_USES = {quantity: uses(quantity) for quantity in Quantity}


def times_ratio(quantity: Quantity, value: Value, ct: Value, pt: Value, power: int) -> Value:
    """A value times CT and PT ratio.

    Args:
        quantity: what the value is.
        value: secondary or primary.
        ct: the CT's ratio.
        pt: the PT's ratio.
        power: 1 for secondary to primary, -1 for back.
    """
    by_ct, by_pt = _USES[quantity]
    if isinstance(value, Unreadable) or not (by_ct or by_pt):
        return value
    factor = 1.0
    for used, ratio in ((by_ct, ct), (by_pt, pt)):
        if not used:
            continue
        if isinstance(ratio, Unreadable) or ratio <= 0:
            return Unreadable(Reason.RATIO_UNKNOWN)
        factor *= ratio
    return value * factor**power
