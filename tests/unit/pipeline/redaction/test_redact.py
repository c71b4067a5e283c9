"""One redaction: known secrets in any spelling, others by the place they stand in, and nothing else."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from pipeline.redaction.redact import redact, remember, secret_name

SECRET = "p@ss/w%rd: ü\"'"


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET, quote(SECRET), quote(SECRET, safe=""), quote_plus(SECRET), quote(SECRET, safe="").lower(),
        repr(SECRET), json.dumps(SECRET), json.dumps(SECRET, ensure_ascii=False),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)  # fmt: skip
def test_a_known_secret_is_hidden_in_every_spelling(spelled: str) -> None:
    remember(SECRET)
    shown = redact(f"the server said {spelled} twice: {spelled}.")
    assert spelled.strip("\"'") not in shown
    assert shown.count("***") == 2


def test_a_secret_of_many_lines_is_hidden_line_by_line_and_a_tiny_one_takes_no_words_along() -> None:
    remember("first-line\nsecond-line")
    remember("at")
    assert redact("what second-line was that") == "what *** was that"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql+psycopg://me:p@ss/w@host/db?x=1", "postgresql+psycopg://me:***@host/db?x=1"),
        ("https://ghp123@host/rows", "https://***@host/rows"),
        ("GET /rows?page=2&api_key=abc&token=def HTTP/1.1", "GET /rows?page=2&api_key=***&token=*** HTTP/1.1"),
        ("host=db password='a b' user=me", "host=db password=*** user=me"),
        ('{"access_token": "a b", "tokens": 3}', '{"access_token": "***", "tokens": 3}'),
        ("{'Authorization': 'Bearer abc', 'Accept': '*/*'}", "{'Authorization': 'Bearer ***', 'Accept': '*/*'}"),
        ("Authorization: Basic bWU6cHc=", "Authorization: Basic ***"),
        ("Cookie: session=abc", "Cookie: ***"),
        ("no Bearer eyJhbGciOi.J9 here", "no Bearer *** here"),
        ("--set data.collect.headers.X-Api-Key=abc", "--set data.collect.headers.X-Api-Key=***"),
    ],
)
def test_a_secret_that_nobody_knows_is_hidden_by_its_place(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "rows.csv:7: column 'label' is 'a', which is not among the labels b, c.",
        "unknown_tokens=3 length_tokens: 0.1 key=value monkey=1",
        "write ${NAME} in its place: Authorization: Bearer ${TOKEN}, postgresql://me:${PW}@host/db?password=${PW}",
        "http://127.0.0.1:8000/rows page=2, sqlite:///dir/a:b@c.db, me@example.org",
        "Basic authentication failed; the token is missing",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_names_of_secrets_are_told_from_others() -> None:
    assert all(map(secret_name, ("password", "db_password", "X-Api-Key", "access_token", "sig", "Authorization")))
    assert not any(map(secret_name, ("key", "page", "tokens", "sslmode", "monkey", "signature_name")))
