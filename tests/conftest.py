"""One profile for all property tests: machines are slow at times, and a slow example is no failure."""

from hypothesis import settings

settings.register_profile("pasta", deadline=None)
settings.load_profile("pasta")
