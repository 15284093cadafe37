"""The one private file of an import: the secret of its pseudonyms, and what they stand for."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from preprocessing.atomic import written_beside

FILE_NAME = "identities.json"
MODE = 0o600
"""Only the owner may read or write the file."""
_DIGITS = 12
"""Hexadecimal digits of a pseudonym: 48 bits, two of 100 000 patients meet with odds of 1 in 50 000."""
_ABOUT = "Private: who the pseudonyms are. Keep it from others, and keep it: pseudonyms depend on it."


class IdentitiesError(ValueError):
    """The private file cannot be used; the message says what was expected, what was found, what to do."""


@dataclass
class Identities:
    """Pseudonyms and hashes of one secret, with what they stand for.

    Args:
        path: the private file.
        secret: key of every hash.
        patients: what each pseudonym stands for.
        sources: the UIDs or the path that each hash stands for.
        places: the folders that the files of each source lie in.
    """

    path: Path
    secret: bytes
    patients: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)

    def pseudonym(self, patient: str) -> str:
        """Name of a patient that tells nothing about the patient, always the same with one secret.

        Args:
            patient: what tells the patient from others, such as the patient identifier.
        """
        return self._remember(self.patients, "p", "patient", patient)

    def hash(self, prefix: str, text: str) -> str:
        """Name of anything else, such as a UID or a path, that tells nothing about it.

        Args:
            prefix: letter that the name begins with; the same text has other names under other letters.
            text: what the name stands for.
        """
        return self._remember(self.sources, prefix, "source", text)

    def remember_places(self, name: str, files: Iterable[Path]) -> None:
        """Keep the folders of the files behind a name.

        Args:
            name: hash of the source.
            files: its files.
        """
        self.places[name] = sorted({str(path.parent) for path in files})

    def save(self) -> None:
        """Write the file, whole or not at all, unless it stands as it is; no other user can ever read it."""
        content = {
            "about": _ABOUT,
            "secret": self.secret.hex(),
            "patients": self.patients,
            "sources": self.sources,
            "places": self.places,
        }
        text = json.dumps(content, indent=1, sort_keys=True) + "\n"
        if self.path.is_file() and self.path.read_text(encoding="utf-8") == text:
            return
        with written_beside(self.path) as beside:
            beside.unlink(missing_ok=True)
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)

    def _remember(self, names: dict[str, str], prefix: str, kind: str, text: str) -> str:
        name = prefix + keyed_hash(self.secret, f"{kind}|{prefix}|{text}")[:_DIGITS]
        if names.setdefault(name, text) != text:
            raise IdentitiesError(
                f"{self.path}: expected one {kind} for each name, found two of name {name}; "
                "import into another folder with a new private file"
            )
        return name


def keyed_hash(secret: bytes, text: str) -> str:
    """HMAC-SHA256 in hexadecimal: without the secret, nobody can find the text by trying texts (RFC 2104).

    Args:
        secret: the key.
        text: any text, such as a patient identifier.
    """
    return hmac.new(secret, text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


def open_identities(path: Path) -> Identities:
    """Read the private file, or begin a new one with a random secret.

    Args:
        path: the file; access by other users is taken away.

    Raises:
        IdentitiesError: if the file is no such file.
    """
    if not path.exists():
        return Identities(path=path, secret=secrets.token_bytes(32))
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        identities = Identities(
            path=path,
            secret=bytes.fromhex(content["secret"]),
            patients=dict(content["patients"]),
            sources=dict(content["sources"]),
            places=dict(content["places"]),
        )
        path.chmod(MODE)
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise IdentitiesError(
            f"{path}: expected the private file of an import, found {type(error).__name__}; "
            "restore it from a copy, or name another file"
        ) from error
    return identities
