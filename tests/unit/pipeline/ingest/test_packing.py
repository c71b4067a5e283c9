"""`pipeline.ingest.packing`: rows travel in packs, and none is lost or leaves its bucket."""

from __future__ import annotations

from pipeline.ingest import packing
from pipeline.ingest.rows import text_hash

ROWS = [(text_hash(f"text {number}"), (f"text {number}", "good", ("web",), "my.csv", number)) for number in range(3000)]


def packed(rows: list) -> list[packing.Pack]:
    packer = packing.Packer()
    return [pack for row in rows for pack in packer.add(*row)] + list(packer.rest())


def test_every_row_comes_out_of_the_packs_as_it_went_in() -> None:
    assert sorted(packing.unpack(pack for _, pack in packed(ROWS))) == sorted(ROWS)
    assert packed([]) == []


def test_rows_of_equal_text_share_a_bucket() -> None:
    again = [(key, (*row[:3], "other.csv", 1)) for key, row in ROWS[:50]]
    buckets = {}
    for bucket, pack in [*packed(ROWS), *packed(again)]:
        for key, _ in packing.unpack([pack]):
            assert buckets.setdefault(key, bucket) == bucket
    assert len(set(buckets.values())) == packing.BUCKETS


def test_a_pack_is_given_away_when_it_is_full_and_holds_no_row_twice() -> None:
    packer = packing.Packer()
    row = ROWS[0]
    given = [list(packer.add(*row)) for _ in range(packing.PACK + 3)]
    assert [len(packs) for packs in given].index(1) == packing.PACK - 1
    [(_, full)] = given[packing.PACK - 1]
    [(_, rest)] = packer.rest()
    assert (len(list(packing.unpack([full]))), len(list(packing.unpack([rest])))) == (packing.PACK, 3)
    assert list(packer.rest()) == []
    assert len(full) < packing.PACK * 100, "a pack is compressed"
