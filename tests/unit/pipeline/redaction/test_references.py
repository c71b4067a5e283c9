"""`${NAME}` and `${file:…}`: read in one place, quoted for where they go, and never written out."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.redaction import references

VALUES = {"PW": "p@ss/w%rd:x y", "HOST": "db:5432", "FOLDER": "/a/b", "TOKEN": "abc+/=", "file:/run/x": "s3cret"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:${PW}@${HOST}/db", "postgresql://me:p%40ss%2Fw%25rd%3Ax%20y@db:5432/db"),
        ("postgresql://me:${file:/run/x}@h/db?password=${PW}", "postgresql://me:s3cret@h/db?password=p%40ss%2Fw%25rd%3Ax%20y"),
        ("sqlite:///${FOLDER}/rows.db", "sqlite:////a/b/rows.db"),
        ("${FOLDER}", "/a/b"),
    ],
)  # fmt: skip
def test_a_value_is_quoted_for_its_part_of_the_url(url: str, expected: str) -> None:
    assert references.fill_url(url, VALUES.__getitem__) == expected


def test_a_web_address_has_its_path_quoted_too_and_is_hidden_again() -> None:
    url = "https://host:8080/${TOKEN}/a@b?t=${TOKEN}"
    filled = references.fill_url(url, VALUES.__getitem__, quoted_path=True)
    assert filled == "https://host:8080/abc%2B%2F%3D/a@b?t=abc%2B%2F%3D"
    assert references.hide(filled, VALUES) == url


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("postgresql://me:geheim@host/db", "a password"),
        ("postgresql://me:p/w@host/db", "a password"),
        ("postgresql://host/db?password=x", "the parameter password"),
        ("https://me:pw@host/rows", "a user's name or password"),
        ("https://me:p/w@host/rows", "a user's name or password"),
        ("https://ghp_abc@host/rows", "a user's name or password"),
        ("https://host/rows?page=1&api_key=x", "the parameter api_key"),
        ("postgresql://me:${PW}@host/db?password=${PW}", ""),
        ("postgresql://me@host:5432/db?sslmode=require", ""),
        ("sqlite:///a:b@c.db", ""),
        ("https://host:8080/a@b?tokens=3", ""),
        ("${URL}", ""),
        ("file:/run/secrets/url", ""),
    ],
)
def test_a_secret_that_is_written_out_is_found(url: str, found: str) -> None:
    assert references.written_secret(url) == found


def test_a_secret_that_is_not_there_is_told_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_THERE", raising=False)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, message in (
        ("NOT_THERE", "the environment variable NOT_THERE is not set"),
        (f"file:{tmp_path}/none", "none cannot be read"),
        (f"file:{tmp_path}/binary", "not UTF-8"),
    ):
        with pytest.raises(references.SecretError, match=message):
            references.value(name)
