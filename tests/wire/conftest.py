"""Hypothesis without its deadline: a busy machine is no finding, and no test here asserts a speed."""

from hypothesis import settings

settings.register_profile("coldseal", deadline=None)
settings.load_profile("coldseal")
