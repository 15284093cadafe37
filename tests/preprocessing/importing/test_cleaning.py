"""Of free text only protocol words and short numbers stay; messages keep their sense without identity."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.importing.cleaning import MAX_TEXT, clean_path, clean_text, identity_parts, scrub
from preprocessing.importing.vocabulary import WORDS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t2_tse_tra_fs 3mm", "t2 tse tra fs 3mm"),
        ("AXT2FSE", "AXT2FSE"),
        ("Abdomen 5.0 B30f", "Abdomen 5.0 B30f"),
        ("T1W_3D_TFE", "T1W 3D TFE"),
        ("ep2d_diff_b1000", "ep2d diff b1000"),
        ("Meier T1 cor", "T1 cor"),
        ("Hip 03.11.1937", "Hip"),
        ("Hip 1937-11-03 12:30", "Hip"),
        ("19371103 Hip", "Hip"),
        ("Hip 7351946", "Hip"),
        ("1.2.826.0.1.3680043 pelvis", "pelvis"),
        ("../../etc/passwd", ""),
        ("hip\nhip, HIP;DROP", "hip HIP"),
        ("für Müller, Becken nativ", "Becken nativ"),
        ("", ""),
    ],
)
def test_protocol_words_stay(text, expected):
    assert clean_text(text) == expected


def test_identity_goes_even_where_it_is_a_protocol_word():
    identity = identity_parts(["Brain^Hip-Sag", "AB12"])
    assert clean_text("T1 brain sagittal AB12 ab-12 cor hips", identity) == "T1 cor"


def test_short_parts_of_names_hide_only_themselves():
    assert clean_text("T1 li links", identity_parts(["Li^T"])) == "T1 links"


@given(st.text(max_size=80))
def test_whatever_comes_only_the_vocabulary_and_short_codes_go(text):
    cleaned = clean_text(text)
    assert len(cleaned) <= MAX_TEXT
    assert cleaned.isascii()
    assert "/" not in cleaned
    assert not [word for word in cleaned.split() if sum(map(str.isdigit, word)) > 4 and "." not in word]


@given(
    st.text(string.ascii_lowercase, min_size=4, max_size=10),
    st.sampled_from(["T1 {} cor", "{}_t2", "x{}y hip"]),
)
def test_a_name_never_passes(name, form):
    assert name not in clean_text(form.format(name), identity_parts([name])).lower()


def test_paths_keep_words_only():
    assert clean_path("hip01/P0012/T1w_tse_3mm") == "T1w tse"
    assert clean_path("anna-01/anat/anna-01_T2w") == "T2w"


def test_messages_lose_paths_names_and_uids_and_keep_their_sense():
    message = (
        'expected 3 slices, found "Doe/LOCALIZER" in /data/Doe Jane/x.dcm of 1.2.3.4.5.6 '
        "(1.2.840.10008.1.2), 48.5 mm, 12345678"
    )
    said = scrub(message, hidden=["/data/Doe Jane/x.dcm"], identity=identity_parts(["Doe^Jane", "3"]))
    assert said == (
        'expected 3 slices, found "(hidden)/LOCALIZER" in (hidden) of (hidden) (1.2.840.10008.1.2), '
        "48.5 mm, (hidden)"
    )


def test_messages_keep_their_own_words_whoever_the_patient_is():
    message = 'expected a CT or MR image, found image type "ORIGINAL/MR/Slice/QUIXOTE"; 1234567 bytes'
    said = scrub(message, identity=identity_parts(["CT^MR Slice^Image", "MR-3"]))
    assert said == message.replace("Slice", "(hidden)").replace("QUIXOTE", "(hidden)")


def test_an_open_quotation_is_cleaned_to_its_end():
    assert scrub('found "Quixote') == 'found "(hidden)"'


def test_message_is_one_line():
    assert scrub("a\nb\r\n c") == "a b c"


def test_vocabulary_is_lower_case_and_holds_the_words_of_the_method():
    assert all(word == word.lower() and word.isascii() for word in WORDS)
    assert {"t1", "t2", "cor", "pelvis", "hip", "bone", "tse"} <= WORDS
