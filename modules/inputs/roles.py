"""What the roles of an input are called with, and who calls them. A kind names those that it plays in its `parts`.

Two roles are no functions. `bounds` is a section, `modules.inputs.profiles.Bounds`: a field for each distance that is
judged, with its default and what it is. `words`, of an input that a backbone encodes, is a class of
`modules.rows.words.Words`: what becomes of its numbers where a student knows fewer words than its teacher.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from modules.inputs.base import Input
from modules.inputs.profiles import Comparison, Profile


class Statistics(Protocol):
    """`statistics`: a summary of a split; StatisticsGen writes it down."""

    def __call__(self, part: Input, file_patterns: Sequence[str], *, label: str | None, sample: int) -> Profile:
        """Summarises what raw examples have of an input.

        Args:
            part: the input.
            file_patterns: globs of gzip-compressed TFRecord files of `tf.Example`.
            label: name of the target's feature; None where there is none, as in what was served.
            sample: most rows to look into; the same ones for the same rows in any order.
        """


class Distances(Protocol):
    """`distances`: how far two summaries are apart; ExampleValidator judges them by the role `bounds`."""

    def __call__(self, now: str, before: str) -> Comparison:
        """Compares two summaries.

        Args:
            now: JSON of the one to judge.
            before: of what it is compared with: the span before, or what is served.
        """


class Variation(Protocol):
    """`variation`: a varied value that keeps its label; ExampleGen adds rows with it, see `data.augmentation`."""

    def __call__(self, wanted: Mapping[str, Any]) -> Callable[[str, random.Random], str | None]:
        """What varies a value.

        Args:
            wanted: the section `data.augmentation`.

        Returns:
            A function of a value of the input's column and a source of randomness; the same state gives the same
            variation, and None says that there is nothing to vary.
        """


class Unlabelled(Protocol):
    """`unlabelled`: more rows for a student to learn from, which its teacher labels; Pruner asks for them."""

    def __call__(self, examples: Any, vocabulary: Sequence[str], *, copies: int, seed: int, **options: float) -> Any:
        """Makes variations of every row.

        Args:
            examples: a `modules.rows.transformed.Examples` of the train split.
            vocabulary: what the numbers in it stand for.
            copies: variations of each row.
            seed: of all choices.
            **options: the rest of the section `pruner.augmentation`.

        Returns:
            As many such rows, with a label that is none.
        """


@dataclasses.dataclass(frozen=True)
class DeviceStep:
    """What the role `device` gives.

    Attributes:
        section: what a bundle's manifest says of the input, besides its name, kind, column and tensors.
        words: what a text's numbers stand for, in their order; None for other kinds.
        probes: made-up values of the column, to which a bundle keeps the model's answers; nobody's data.
    """

    section: Mapping[str, Any]
    words: Sequence[str] | None = None
    probes: Sequence[Any] = ()


class Device(Protocol):
    """`device`: what a device must do before the model; EdgeEvaluator puts it into the bundle's manifest."""

    def __call__(self, part: Any, folder: str) -> DeviceStep:
        """What `edgeline_edge.bundle.write_bundle` must be told.

        Args:
            part: the input, with what it has learnt.
            folder: of a network, with what was saved beside it.
        """


class Facts(Protocol):
    """`facts`: what the report says of an input; Reporter writes it into `report.json`."""

    def __call__(self, part: Input, patterns: Mapping[str, str], *, limit: int) -> dict[str, Any]:
        """JSON values of its own, found in Transform's output.

        Args:
            part: the input.
            patterns: by split, a glob of gzip-compressed TFRecord files of `tf.Example` with the input's tensors.
            limit: most rows of a split to look into.
        """


class Plots(Protocol):
    """`plots`: how the page draws them."""

    def __call__(self, name: str, facts: Mapping[str, Any]) -> list[Any]:
        """A list of `modules.report.plots.plot.Plot`.

        Args:
            name: of the input, which the names of the plots begin with; empty for the one that the backbone encodes.
            facts: what the role `facts` gave.
        """


class Begin(Protocol):
    """`initial`: what an input's own encoder begins to learn from; Trainer and Tuner ask for it."""

    def __call__(self, part: Any, encoder: Any) -> None:
        """Writes weights into an encoder; one that is not asked begins with random ones.

        Args:
            part: the input.
            encoder: what `modules.network.model.input_encoder` made of it.
        """


class Shown(Protocol):
    """`shown`: how a value that is no text looks; Reporter puts it beside the worst errors."""

    def __call__(self, part: Any, values: Sequence[Any]) -> list[str]:
        """Small pictures.

        Args:
            part: the input.
            values: by row, what the input's column holds.

        Returns:
            By row, a data URI; empty where a row has no value.
        """


class Reasons(Protocol):
    """`reasons`: which parts of the input's value pushed an answer; Reporter asks for those of the worst errors."""

    def __call__(
        self,
        part: Input,
        trained: Any,
        values: Sequence[Any],
        labels: Sequence[int],
        others: Sequence[int],
        *,
        fixed: Sequence[Mapping[str, Any]],
        points: int,
    ) -> list[Any]:
        """Explains decisions, one row at a time; `modules.inputs.text.attribution.Explanation` is what it gives.

        Args:
            part: the input.
            trained: the model, a `modules.network.trained.Trained` in float32 and without dropout.
            values: by row, what the input's column holds.
            labels: by row, the label id whose margin is explained.
            others: by row, the label id that it is the margin over.
            fixed: by row, the tensors of all other inputs, `[1, *shape]` each, which stay as they are.
            points: of the quadrature.
        """
