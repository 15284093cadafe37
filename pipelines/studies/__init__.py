"""Experiments that use the method and are never used by it."""
