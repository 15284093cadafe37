"""Fixtures that the tests of the top floor and of the bundle share."""

from toy_fixtures import logging_as_before, run, toys

__all__ = ["logging_as_before", "run", "toys"]
