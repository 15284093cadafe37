"""The type checker that the jaxtyping hook applies while the tests run."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""Like mypy, and unlike beartype's default, it takes an int where a float is annotated (PEP 484)."""
