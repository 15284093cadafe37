"""Pseudonyms are keyed: the same with one secret, unlike with another, and told by one private file."""

import hmac

import pytest

from preprocessing.importing.identities import Identities, IdentitiesError, keyed_hash, open_identities


def test_hash_is_hmac_sha256_as_openssl_gives_it():
    """`printf 'text' | openssl dgst -sha256 -hmac key`."""
    assert keyed_hash(b"key", "text") == hmac.digest(b"key", b"text", "sha256").hex()
    assert keyed_hash(b"key", "text") == "6afa9046a9579cad143a384c1b564b9a250d27d6f6a63f9f20bf3a7594c9e2c6"


def test_names_depend_on_secret_kind_and_text(tmp_path):
    one, other = (Identities(path=tmp_path / "x", secret=secret) for secret in (b"1" * 32, b"2" * 32))
    names = {
        one.pseudonym("a"),
        one.pseudonym("b"),
        other.pseudonym("a"),
        one.hash("p", "a"),
        one.hash("s", "a"),
    }
    assert len(names) == 5
    assert one.pseudonym("a") in names
    assert one.patients[one.pseudonym("a")] == "a"


def test_file_is_written_once_and_read_back(tmp_path):
    path = tmp_path / "private" / "x.json"
    first = open_identities(path)
    name = first.pseudonym("patient")
    first.remember_places(name, [tmp_path / "a" / "1", tmp_path / "a" / "2"])
    first.save()
    assert path.stat().st_mode & 0o777 == 0o600
    age = path.stat().st_mtime_ns
    again = open_identities(path)
    assert (again.secret, again.patients, again.places) == (
        first.secret,
        {name: "patient"},
        {name: [str(tmp_path / "a")]},
    )
    again.pseudonym("patient")
    again.save()
    assert path.stat().st_mtime_ns == age
    assert [file.name for file in path.parent.iterdir()] == ["x.json"]


def test_half_written_file_of_another_mode_is_no_way_in(tmp_path):
    identities = open_identities(tmp_path / "x.json")
    (tmp_path / ".partial.x.json").touch(mode=0o666)
    identities.save()
    assert (tmp_path / "x.json").stat().st_mode & 0o777 == 0o600


def test_two_texts_of_one_name_are_an_error(tmp_path):
    identities = open_identities(tmp_path / "x.json")
    name = identities.pseudonym("a")
    identities.patients[name] = "b"
    with pytest.raises(IdentitiesError, match=name):
        identities.pseudonym("a")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"secret": "zz", "patients": {}, "sources": {}, "places": {}}', "\0"]
)
def test_spoilt_file_is_refused_and_left(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(IdentitiesError, match="restore it"):
        open_identities(tmp_path / "x.json")
    assert (tmp_path / "x.json").read_text() == text


def test_text_that_is_no_unicode_has_a_name(tmp_path):
    path = b"/data/\xff".decode("utf-8", "surrogateescape")
    identities = open_identities(tmp_path / "x.json")
    name = identities.hash("d", path)
    identities.save()
    assert open_identities(tmp_path / "x.json").sources[name] == path
