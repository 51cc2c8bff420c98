"""What detection is told of a meter: steps of its registers, made primary."""

import pytest

from server.facts import meter_facts
from server.tables import Meter

STEPS: dict[str, tuple[str, float, float, bool]] = {
    "tenths of a kWh of a meter that knows its ratio": ("acrel_adl400", 100.0, 40.0, False),
    "single floats": ("eastron_sdm630", 0.001, 1.0, True),
    "double floats in two tariffs": ("siemens_pac3200", 0.001, 1.0, False),
    "a name that no profile has": ("unheard_of", 0.0, 40.0, False),
}
"""Profile, the energy register's step, the ratio, whether the step grows with the value."""


@pytest.mark.parametrize("case", STEPS)
def test_energy_step(case: str) -> None:
    """A float has no fixed step: the envelope's mWh count, and of a single float its own spacing is looked at later."""
    profile, step_wh, ratio, grows = STEPS[case]
    facts = meter_facts(Meter(seal_id="s", agent_id="a1", name="m1", role="furnace", profile=profile, ct_ratio=ratio))

    assert (facts.energy_step_wh, facts.energy_is_float) == (step_wh, grows)
