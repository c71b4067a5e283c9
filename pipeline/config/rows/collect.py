"""`data.collect`: an HTTP API that rows are fetched from. Nothing here imports TensorFlow or TFX."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from modules.settings import Section

from pydantic import AfterValidator, Field, model_validator

from pipeline.config.headers import WithHeaders
from pipeline.config.rows.source import without_secret
from pipeline.redaction import references
from pipeline.redaction.redact import secret_name


class LinkPaging(Section):
    """Each page names the next one."""

    kind: Literal["link"]
    """Selects this way."""
    next: str | None = None
    """Where the response has the next page's URL, such as `paging.next`. Empty: in the header `Link` (RFC 8288)."""


class PagePaging(Section):
    """Pages have numbers; an empty one is the end."""

    kind: Literal["page"]
    """Selects this way."""
    parameter: str = "page"
    """Query parameter with the number."""
    first: int = 1
    """Number of the first page."""


class CursorPaging(Section):
    """Each page has a cursor that asks for the next one."""

    kind: Literal["cursor"]
    """Selects this way."""
    parameter: str = "cursor"
    """Query parameter with the cursor."""
    next: str
    """Where the response has it, such as `meta.cursor`; nothing there is the end."""


class CollectConfig(WithHeaders):
    """An HTTP API with JSON pages; `local_runner.py data collect` writes its rows as a new span."""

    url: Annotated[str, AfterValidator(without_secret)] = Field(pattern=r"^https?://")
    """The first page."""
    parameters: dict[str, str] = {}
    """Query parameters of every request; `${NAME}` is replaced by the environment variable NAME."""
    rows: str = ""
    """Where the response has the list of rows, with dots between names, such as `data.items`. Empty: it is the list."""
    columns: dict[str, str] = {}
    """Where a row has the value of a column, such as `{text: review.body, label: stars}`. Empty: the row as it is."""
    total: str | None = None
    """Where the response says how many rows there are in all; another number in the end is an error."""
    paging: Annotated[LinkPaging | PagePaging | CursorPaging, Field(discriminator="kind")] | None = None
    """How the next page is found. Empty: there is one page only."""
    requests_per_minute: float = Field(60, gt=0)
    """No more than these, evenly spread."""
    timeout_seconds: float = Field(30, gt=0)
    """Longest time for one response, from the first byte to the last."""
    max_page_bytes: int = Field(64 * 1024 * 1024, ge=1)
    """Largest response, unpacked."""
    attempts: int = Field(6, ge=1)
    """Tries for one page, with growing pauses between them (`Retry-After` is obeyed)."""
    longest_pause_seconds: float = Field(120, gt=0)
    """A server that asks for a longer pause ends it; the next call goes on from there."""
    max_pages: int = Field(10_000, ge=1)
    """More pages than these are taken for a loop."""

    @model_validator(mode="after")
    def _no_secret_is_written(self) -> Self:
        for name, value in self.parameters.items():
            if secret_name(name) and value and not references.names(value):
                raise ValueError(f"parameters: {name} is a secret, which must not stand here; write ${{NAME}} for it")
        return self

    def secret_names(self) -> list[str]:
        """What the environment must have, and files that must exist."""
        return references.names(*self.headers.values(), *self.parameters.values(), self.url)
