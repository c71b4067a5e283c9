"""Pages of an HTTP API, one after another: retried, rate-limited, and never believed blindly.

An API fails, stalls and lies. What may pass by itself (a 500, a stalled or cut response, broken JSON) is tried again
with growing pauses; what would only come again (another status, a page that repeats, a link that leads in circles or to
another host) ends it with an error that says which page it was.
"""

from __future__ import annotations

import dataclasses
import email.utils
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import tenacity

from pipeline.config.messages import shown, shown_line
from pipeline.config.rows.collect import CollectConfig, CursorPaging, LinkPaging, PagePaging
from pipeline.ingest.http import deadline
from pipeline.ingest.rows import DataError
from pipeline.redaction import references
from pipeline.redaction.redact import redact

_PASSING = {408, 425, 429, 500, 502, 503, 504}  # statuses that a later try may not meet
_CHUNK = 1 << 16
_FIRST_PAUSE, _SHOWN = 0.5, 200


@dataclasses.dataclass(frozen=True)
class Request:
    """What asks for a page; JSON values, so that a later process can go on from it.

    Attributes:
        url: without the parameters of every request.
        parameters: those of this page alone.
        plain: the URL is a link that the server gave, which has its parameters already.
    """

    url: str
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    plain: bool = False

    def __str__(self) -> str:
        """For messages: without the parameters, in which a secret may stand."""
        page = "".join(f" {name}={value}" for name, value in self.parameters.items())
        return references.shown_url(self.url) + page


@dataclasses.dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        rows: objects.
        next: asks for the next page; None at the end.
        total: how many rows there are in all, if the response says so.
    """

    rows: list[dict[str, Any]]
    next: Request | None
    total: int | None


class PassingError(Exception):
    """Something that may not happen again.

    Attributes:
        pause: seconds that the server asked to wait, if it did.
    """

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


class Api:
    """An API that pages are fetched from."""

    def __init__(self, config: CollectConfig, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Reads the secrets and opens nothing yet.

        Args:
            config: the API.
            sleep: waits between two tries.

        Raises:
            DataError: a secret is not there.
        """
        import pyrate_limiter

        self._config, self._sleep = config, sleep
        self._secrets = {name: _secret(name) for name in config.secret_names()}
        self._session = deadline.session()
        self._session.headers.update({name: self._header(name, value) for name, value in config.headers.items()})
        self._limiter = pyrate_limiter.Limiter(
            pyrate_limiter.Rate(1, max(1, round(60_000 / config.requests_per_minute)))
        )

    def close(self) -> None:
        """Ends the connections."""
        self._limiter.close()
        self._session.close()

    def first(self) -> Request:
        """Asks for the first page."""
        paging = self._config.paging
        numbered = {paging.parameter: str(paging.first)} if isinstance(paging, PagePaging) else {}
        return Request(self._config.url, numbered)

    def page(self, request: Request) -> Page:
        """Fetches a page.

        Args:
            request: what `first` or the page before gave.

        Raises:
            DataError: it cannot be had, or is not what the configuration says.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(PassingError),
            stop=tenacity.stop_after_attempt(self._config.attempts),
            wait=self._pause,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            response, body = retrying(self._fetch, request)
        except PassingError as error:
            raise DataError(f"{request}: {error} ({self._config.attempts} tries). Call it again to go on.") from None
        found = value_at(body, self._config.rows)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            place = f"data.collect.rows ({self._config.rows})" if self._config.rows else "the response"
            raise DataError(f"{request}: {place} is no list of objects; the response begins with {_shown(body)}")
        total = value_at(body, self._config.total) if self._config.total else None
        if total is not None and not (isinstance(total, int) and total >= 0):
            raise DataError(f"{request}: data.collect.total ({self._config.total}) is {total!r}, no number of rows.")
        return Page(found, self._next(request, response, body, bool(found)), total)

    def _fetch(self, request: Request) -> tuple[requests.Response, Any]:
        self._limiter.try_acquire("request")
        config = self._config
        parameters = {} if request.plain else config.parameters
        end = time.monotonic() + config.timeout_seconds
        try:
            with self._session.get(
                references.fill_url(request.url, self._behind, quoted_path=True),
                params={
                    name: references.fill(value, self._behind)
                    for name, value in (parameters | request.parameters).items()
                },
                timeout=config.timeout_seconds,
                stream=True,
                allow_redirects=False,  # to another host the headers would go along
            ) as response:
                content = _read(response, end, config.max_page_bytes, request)
        except requests.RequestException as error:
            raise PassingError(_without_url(error)) from None
        except ValueError as error:  # `requests` reads a redirection's address even if it does not follow it
            raise DataError(f"{request}: the response leads to no URL: {shown_line(str(error))}.") from None
        except OSError as error:  # what a connection that breaks in the middle of a body raises
            raise PassingError(f"{type(error).__name__}: {error}") from None
        if response.status_code in _PASSING:
            raise PassingError(f"status {response.status_code}", _retry_after(response))
        if response.status_code != requests.codes.ok:
            elsewhere = f" (it leads to {_origin(response.headers['Location'])})" if response.is_redirect else ""
            raise DataError(f"{request}: status {response.status_code} {response.reason}{elsewhere}: {_shown(content)}")
        try:
            return response, json.loads(content)
        except RecursionError:
            raise DataError(f"{request}: the response is nested too deeply to be rows.") from None
        except ValueError as error:
            raise PassingError(f"not valid JSON: {error}") from None

    def _pause(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.pause if isinstance(error, PassingError) else None
        if asked is not None:
            if asked > self._config.longest_pause_seconds:
                raise DataError(
                    f"the server asks to wait {asked:.0f} seconds; data.collect.longest_pause_seconds is "
                    f"{self._config.longest_pause_seconds:.0f}. Call it again later to go on."
                )
            return asked
        grown = tenacity.wait_exponential_jitter(initial=_FIRST_PAUSE, max=self._config.longest_pause_seconds)
        return grown(state)

    def _next(self, request: Request, response: requests.Response, body: Any, any_rows: bool) -> Request | None:
        paging = self._config.paging
        if isinstance(paging, PagePaging):
            number = int(request.parameters[paging.parameter]) + 1
            return Request(request.url, {paging.parameter: str(number)}) if any_rows else None
        if isinstance(paging, CursorPaging):
            cursor = value_at(body, paging.next)
            hidden = references.hide(str(cursor), self._secrets) if cursor not in (None, "") else ""
            return Request(request.url, {paging.parameter: hidden}) if hidden else None
        if not isinstance(paging, LinkPaging):
            return None
        link = value_at(body, paging.next) if paging.next else response.links.get("next", {}).get("url")
        if not link:
            return None
        try:
            urljoin(request.url, str(link))
        except ValueError:
            raise DataError(f"{request}: the link to the next page is no URL: {shown(redact(str(link)))}.") from None
        url = urljoin(references.fill_url(request.url, self._behind, quoted_path=True), str(link))
        first = references.fill_url(self._config.url, self._behind, quoted_path=True)
        if _origin(url) != _origin(first):
            raise DataError(
                f"{request}: the next page is at {_origin(url)}, not at {_origin(first)}: the request's "
                "secrets would go there. Set data.collect.url to that host if it is right."
            )
        return Request(references.hide(url, self._secrets), plain=True)  # it is written down, to go on from

    def _behind(self, name: str) -> str:
        """What stands behind a reference; a link may hold what only looks like one."""
        return self._secrets.get(name, f"${{{name}}}")

    def _header(self, name: str, value: str) -> str:
        filled = references.fill(value, self._behind)
        if not filled.isprintable() or not _is_latin(filled):
            raise DataError(
                f"data.collect.headers: what {name} stands for has a line break, or a character that no header has."
            )
        return filled


def value_at(value: Any, path: str) -> Any:
    """What stands at `a.b.c`; None where there is nothing."""
    for name in path.split(".") if path else ():
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _read(response: requests.Response, end: float, most: int, request: Request) -> bytes:
    """The body; a server that sends a byte now and then is stalled, too, and one that never ends is no page."""
    from urllib3.exceptions import HTTPError

    parts, size = [], 0
    try:
        while part := response.raw.read1(_CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > most:
                raise DataError(
                    f"{request}: the response has more than {most:,} bytes; ask for smaller pages, or raise "
                    "data.collect.max_page_bytes."
                )
            if time.monotonic() > end:
                raise PassingError("the response took longer than data.collect.timeout_seconds")
    except HTTPError as error:
        raise PassingError(_without_url(error)) from None
    return b"".join(parts)


def _secret(name: str) -> str:
    try:
        return references.value(name)
    except references.SecretError as error:
        raise DataError(f"data.collect: {error}.") from None


def _is_latin(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"no URL: {shown(url)}"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _retry_after(response: requests.Response) -> float | None:
    """Seconds, from either form that RFC 9110 allows."""
    value = response.headers.get("Retry-After", "").strip()
    try:
        if value.isascii() and value.isdigit():
            return float(value)
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time()) if value else None
    except (ValueError, TypeError, OverflowError):
        return None


def _without_url(error: Exception) -> str:
    """An error in words; its own words may hold the URL, and that a secret."""
    cause = error.__cause__ or error.__context__ or error
    return f"{type(error).__name__} ({type(cause).__name__})"


def _shown(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False)
    return repr(redact(text)[:_SHOWN])  # in this order: half a secret would not be known as one
