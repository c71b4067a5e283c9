"""`intents-en`, `intents-de`, `intents-zh`: what people say to a voice assistant at home, by what they want of it.

The wheel of home-assistant-intents 2026.10.27 (Apache-2.0) has templates such as `(turn|switch) on [the] {name}`; each
gives a few sentences here. Sentences of one template are alike, so a template is in one split whole: the column `split`
deals the templates of an intent out. What has one template is in train alone, and nothing is measured of it.
"""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Iterator, Mapping, Sequence

from modules.datasets.base import Dataset
from modules.datasets.grammar import Grammar
from modules.machine import packages
from modules.machine.packages import PackageFile

_PACKAGE = PackageFile(
    "home-assistant-intents==2026.10.27", "256eb1e4fc6e6f4943d0ba4e089c9639d74d0e9d62ccddeb7148bc168de55e40", False
)
_SENTENCES = 6  # drawn from each template
_OTHER = ""  # words for lists that are filled by whoever speaks
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


def _rows(language: str) -> Iterator[tuple[str, ...]]:
    member = f"home_assistant_intents/data/{language}.json"
    content = json.loads(packages.fetch_members(_PACKAGE, [member])[member].read_text(encoding="utf-8"))
    home = _HOME[language]
    grammar = Grammar(content["expansion_rules"], content["lists"], home, home[_OTHER])
    chance = random.Random(language)
    for intent, found in content["intents"].items():
        templates = [template for block in found["data"] for template in block["sentences"]]
        split = dealt(intent, templates)
        for template in templates:
            for _ in range(_SENTENCES):
                yield grammar.sentence(template, chance), intent.removeprefix("Hass"), template, split[template]


def dealt(intent: str, templates: Sequence[str]) -> dict[str, str]:
    """The split of each template of an intent: a tenth each into test and eval, and one at least if there are so many.

    Args:
        intent: its name, which the order depends on.
        templates: all of it; one that stands there twice counts once.
    """
    mixed = list(dict.fromkeys(templates))
    random.Random(f"split {intent}").shuffle(mixed)
    if len(mixed) < 3:  # to learn from comes first, then what is reported
        return dict(zip(mixed, ("train", "test"), strict=False))
    share = max(1, round(len(mixed) / 10))
    order = ["test"] * share + ["eval"] * share + ["train"] * (len(mixed) - 2 * share)
    return dict(zip(mixed, order, strict=True))


def _intents(language: str, name: str) -> Dataset:
    return Dataset(
        "1", ("text", "label", "template", "split"), functools.partial(_rows, language),
        f"an assistant's intents, {name} (home-assistant-intents)",
    )  # fmt: skip


ENGLISH, GERMAN, CHINESE = (
    _intents(language, name) for language, name in (("en", "English"), ("de", "German"), ("zh-CN", "Chinese"))
)
