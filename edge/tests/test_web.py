"""The page of `edge/web` in headless Chromium gives the labels of the Python `Classifier`.

Needs Node.js with npm, and Chromium; `make test-tools` in the folder above fetches what the machine lacks.
With `EDGELINE_BUNDLE=path` the comparison is made with that bundle instead of the tiny one.
"""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeline_edge import Classifier, write_bundle
from edgeline_edge.targets.one_label import answered
from tests.tools import programs

WEB = Path(__file__).parent.parent / "web"
UNIGRAM = Path(__file__).parent / "data" / "unigram"
UGLY = Path(__file__).parents[2] / "tests" / "data" / "ugly_texts.jsonl"
LABELS = ("negative", "neutral", "positive")
MANIFEST: dict[str, Any] = {"task": "films", "recipe": "dynamic_wi8_afp32", "run_id": "r1", "licence": "Apache-2.0"}
# The same integers are multiplied, but WebAssembly's float kernels round otherwise than the CPU's.
SCORE_TOLERANCE = 0.01
RECORDS: list[dict[str, Any]] = [
    {"review": "a good film", "price": 3.5, "größe": "web"},
    {"review": "a good film", "price": -3.5, "größe": "köln"},
    {"review": "a good film", "größe": "nowhere"},
    {"review": "good film " * 60 + "bad", "price": 0.1, "größe": None},
]
TYPED = {"review": "bad", "price": 1.25, "größe": "köln"}
READINGS = "[[0.5, null, 2], [1, -3.25, 0]]"
TEXTS = ["a good film", "the worst phone"]
THRESHOLDS = {"neutral": 0.3, "negative": 0.2, "positive": 0.4}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def web_bundle(bundle_path: Path) -> Path:
    return Path(os.environ.get("EDGELINE_BUNDLE", bundle_path))


@pytest.fixture(scope="module")
def reference(web_bundle: Path) -> Classifier:
    return Classifier.load(web_bundle)


@pytest.fixture(scope="module")
def site(web_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built page, made in a copy, so that the source tree stays clean."""
    node = programs.need(programs.NODE)
    programs.need(programs.CHROMIUM)
    edge = tmp_path_factory.mktemp("web") / "edge"
    shutil.copytree(WEB, edge / "web", ignore=shutil.ignore_patterns("node_modules", "dist"))
    shutil.copytree(WEB.parent / "edgeline_edge" / "data", edge / "edgeline_edge" / "data")
    environment = programs.environment(node)
    subprocess.run([node["npm"], "ci", "--no-progress"], cwd=edge / "web", env=environment, check=True, timeout=300)
    subprocess.run([node["node"], "build.mjs", web_bundle], cwd=edge / "web", env=environment, check=True, timeout=60)
    return edge / "web"


@pytest.fixture(scope="module")
def texts(reference: Classifier) -> list[str]:
    """Fifty texts of the vocabulary's own words, with all that real texts have between them."""
    words = [token for token in reference.tokenizer.vocabulary if token.isalpha() and len(token) > 1]
    generator = random.Random(50)
    ends = [".", "!", "?", " 😀", "…", " &amp; more", "\n", " — café"]
    found = []
    for number in range(50):
        chosen = generator.choices(words, k=generator.randrange(1, 60 if number % 10 == 0 else 12))
        found.append(" ".join(chosen).capitalize() + generator.choice(ends))
    return found


@pytest.fixture(scope="module")
def ugly_texts() -> list[str]:
    records = [json.loads(line) for line in UGLY.read_text("ascii").splitlines()]
    return [record["text"] * record.get("times", 1) for record in records if "text" in record]


def check_offers(offers: Classifier, found: dict[str, Any]) -> None:
    """A bundle of format 2: its records as Python answers them, and a field of the page for each input."""
    expected = offers.predict([*RECORDS, TYPED])
    for answer, wanted in zip(found["predictions"], expected, strict=False):
        assert answer["label"] == wanted.label
        assert answer["scores"] == pytest.approx(wanted.scores, abs=SCORE_TOLERANCE)
    assert len({answer.label for answer in expected}) > 1
    assert found["problem"] == "the row must be a record with the fields price, review, größe"
    assert found["labels"] == ["review", "price", "größe"]
    shown = [float(score) for score in found["scores"]]
    assert shown == pytest.approx(list(expected[-1].scores.values()), abs=SCORE_TOLERANCE)


def written(path: Path, vocabulary: list[str], model: str, **said: Any) -> Path:
    """A bundle of a text with another target."""
    path.parent.mkdir()
    text = {"name": "text", "kind": "text", "column": "review", "tensors": ["token_ids", "padding_mask"]}
    content = (Path(__file__).parent / "data" / f"{model}.tflite").read_bytes()
    write_bundle(content, path, vocabulary=vocabulary, inputs=[text], **said)
    return path


def photos(folder: Path) -> list[Path]:
    """A PNG whose transparency a browser would multiply by, and a JPEG that it would turn and correct."""
    pillow = pytest.importorskip("PIL.Image")
    smooth = np.add.outer(np.arange(40) * 3, np.arange(30) * 2)[:, :, np.newaxis] * np.array([1, 0, -1]) + [0, 99, 255]
    pixels = np.clip(smooth, 0, 255).astype(np.uint8)
    opaque = np.arange(40 * 30).reshape(40, 30, 1).astype(np.uint8)
    pillow.fromarray(np.concatenate([pixels, opaque], axis=2)).save(folder / "a.png")
    turned = pillow.Exif()
    turned[0x0112] = 6
    pillow.fromarray(pixels).save(folder / "b.jpg", quality=95, exif=turned)
    return [folder / "a.png", folder / "b.jpg"]


def check_visits(found: list[dict[str, Any]], camera: Path, files: list[Path], stars: Path, tags: Path) -> None:
    """Other inputs and other targets, by the page's own fields: what it shows is what Python answers."""
    of_camera, of_stars, of_tags = found
    assert [visit["error"] for visit in found] == [None] * 3
    assert of_camera["labels"] == ["photo", "lidar", "seen"]
    rows: list[dict[str, Any]] = [{"photo": file, "lidar": READINGS, "seen": "2024-02-29T23:59"} for file in files]
    expected = Classifier.load(camera).predict([{}, *rows])
    assert len({round(answer.score, 3) for answer in expected}) == 3
    *answered, wrong, text = of_camera["found"]
    for row, wanted in zip(answered, expected, strict=True):
        assert row["told"] == wanted.label
        shown = [float(line[-6:]) for line in row["lines"]]
        assert shown == pytest.approx(list(wanted.scores.values()), abs=SCORE_TOLERANCE)
        assert not row["hasText"]
    assert [row["canvases"] for row in of_camera["found"]] == [0, 1, 1, 1, 0]
    assert (wrong["told"], wrong["problem"]) == (None, "lidar has 2 readings; the model reads 2 x 3")
    assert (text["told"], text["problem"]) == (
        None, "questions.json cannot be used: it is neither a JPEG nor a PNG",
    )  # fmt: skip

    for row, number in zip(of_stars["found"], Classifier.load(stars).predict(TEXTS), strict=True):
        assert float(row["told"]) == pytest.approx(number.number, abs=SCORE_TOLERANCE)
        low, high = row["lines"][0].removeprefix("interval").split(" to ")
        assert [float(low), float(high)] == pytest.approx([number.low, number.high], abs=SCORE_TOLERANCE)
    for row, several in zip(of_tags["found"], Classifier.load(tags).predict(TEXTS), strict=True):
        assert row["told"] == (", ".join(several.labels) or "none of the labels")
        assert row["answered"] == list(several.labels)
        assert [line.split(" from ")[1] for line in row["lines"]] == [
            f"{several.thresholds[label]:.4f} on" for label in several.scores
        ]


def thresholds() -> list[np.float32]:
    """Scores at thresholds, and their neighbours on both sides."""
    found = []
    for at in map(np.float32, (0.3, 0.7, 1 / 3)):
        found += [np.nextafter(at, np.float32(0)), at, np.nextafter(at, np.float32(1))]
    return found


def ask(site: Path, questions: dict[str, Any], folder: Path) -> dict[str, Any]:
    path = folder / "questions.json"
    path.write_text(json.dumps(questions), "ascii")
    done = subprocess.run(
        [programs.need(programs.NODE)["node"], "test/browser.mjs", "dist", path],
        cwd=site,
        env={**os.environ, "CHROMIUM": str(programs.need(programs.CHROMIUM)["chromium"])},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    assert "error" not in answers, answers["error"]
    return answers


def test_the_browser_gives_the_labels_of_python(
    site: Path,
    web_bundle: Path,
    reference: Classifier,
    texts: list[str],
    ugly_texts: list[str],
    offers_path: Path,
    pieces_path: Path,
    camera_path: Path,
    vocabulary: list[str],
    tmp_path: Path,
) -> None:
    stars = written(
        tmp_path / "stars" / "model.tflite", vocabulary, "number", labels=(),
        target={"kind": "number", "min": 1, "max": 5}, manifest={**MANIFEST, "decision": {"half_width": 0.75}},
    )  # fmt: skip
    tags = written(
        tmp_path / "tags" / "model.tflite", vocabulary, "tiny", labels=LABELS, target={"kind": "many_labels"},
        manifest={**MANIFEST, "decision": {"thresholds": THRESHOLDS}},
    )  # fmt: skip
    files = photos(tmp_path)
    typed = [["", "", ""], *([str(file), READINGS, "2024-02-29T23:59"] for file in files)]
    typed += [[str(files[0]), "1 2", ""], [str(tmp_path / "questions.json"), "", ""]]
    pieces_texts = [
        json.loads(line)["text"] for line in (UNIGRAM / "vectors.jsonl").read_text("ascii").splitlines()[:14]
    ]
    damaged = bytearray(web_bundle.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    undecided = [np.array([1 - score, score], np.float32) for score in thresholds()]
    decisions = [*({"label": "spam", "threshold": threshold} for threshold in (0.3, 0.7, 1 / 3)), None]
    asked = [(scores, ("ham", "spam"), decision) for scores in undecided for decision in decisions]
    cuts: list[tuple[Any, int | None]] = [("head", None), ("head_tail", None), ("windows", 3)]
    questions = {
        "texts": texts,
        "tokenize": ugly_texts,
        "cuts": [[how, *([most] if most else [])] for how, most in cuts],
        "damaged": base64.b64encode(damaged).decode(),
        "decide": [(scores.tolist(), *rest) for scores, *rest in asked],
        "offers": {
            "path": str(offers_path),
            "records": RECORDS,
            "typed": {"text": TYPED["review"], "fields": [str(TYPED["price"]), TYPED["größe"]]},
        },
        "pieces": {"path": str(pieces_path), "texts": pieces_texts},
        "others": [
            {"path": str(camera_path), "asked": [{"fields": fields} for fields in typed]},
            *({"path": str(path), "asked": [{"text": text, "fields": []} for text in TEXTS]} for path in (stars, tags)),
        ],
    }
    answers = ask(site, questions, tmp_path)
    expected = reference.predict(texts)

    assert [answer["label"] for answer in answers["predictions"]] == [answer.label for answer in expected]
    assert len({answer.label for answer in expected}) == len(reference.labels), "the texts should show every label"
    in_browser = np.array([list(answer["scores"].values()) for answer in answers["predictions"]])
    on_device = np.array([list(answer.scores.values()) for answer in expected])
    difference = np.abs(in_browser - on_device).max()
    milliseconds = np.median([answer["milliseconds"] for answer in answers["predictions"]])
    print(f"LiteRT.js: median {milliseconds:.2f} ms a text, largest difference of a score {difference:.1e}")
    assert difference < SCORE_TOLERANCE

    for (how, most), found in zip(cuts, answers["ids"], strict=True):
        for text, rows in zip(ugly_texts, found, strict=True):
            expected_rows = reference.tokenizer.rows(reference.tokenizer.cut(text, how, most))
            for name, values, wanted in zip(("ids", "mask"), zip(*rows, strict=True), expected_rows, strict=True):
                assert list(values) == wanted.tolist(), (how, name, text[:60])

    assert answers["decided"] == [answered(*question) for question in asked], "to the last bit of a threshold"
    assert answers["refusal"].startswith("BundleError: ")
    assert answers["shown"]["label"] == expected[0].label
    assert answers["shown"]["rows"] == len(reference.labels)
    assert "ms" in answers["shown"]["latency"]
    check_offers(Classifier.load(offers_path), answers["offers"])
    for answer, wanted in zip(
        answers["pieces"]["predictions"], Classifier.load(pieces_path).predict(pieces_texts), strict=True
    ):
        assert answer["scores"] == pytest.approx(wanted.scores, abs=SCORE_TOLERANCE)
    check_visits(answers["others"], camera_path, files, stars, tags)
    assert answers["pieces"]["problem"] == "the text must be a string that is not empty"
    assert answers["problems"] == []
    assert answers["foreign"] == [], "the page must load nothing from elsewhere"
