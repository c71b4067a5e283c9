"""How long-running code says where it is, without knowing who listens.

Everything goes through the standard logger `edgeline.progress`; the fields travel in the record's `progress`
attribute. A runner may attach a handler that draws a bar; in a container the lines land in the log.
"""

from __future__ import annotations

import logging
import time
from typing import Any

PROGRESS = logging.getLogger("edgeline.progress")
_INTERVAL_S = 1.0


def tell(message: str, **fields: Any) -> None:
    """Tells of a step of the work.

    Args:
        message: what a person reads, without a time stamp.
        **fields: values for programs, such as `step`, `steps`, `loss`.
    """
    PROGRESS.info(message, extra={"progress": {"message": message, **fields}})


def training_callback(label: str = ""):
    """A Keras callback that reports epochs, steps, loss and metrics, at most once a second between epochs.

    Args:
        label: what stands in front of the epoch, such as `trial 2/4`.
    """
    import tf_keras

    class _Progress(tf_keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self._epoch, self._last = 0, 0.0

        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self._epoch = epoch

        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            now = time.monotonic()
            if now - self._last >= _INTERVAL_S:
                self._last = now
                self._say(logs or {}, step=batch + 1, final=False)

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self._say(logs or {}, step=self.params.get("steps") or 0, final=True)

        def _say(self, logs: dict[str, float], *, step: int, final: bool) -> None:
            values = {name: float(value) for name, value in logs.items()}
            shown = " ".join(f"{name} {value:.4g}" for name, value in values.items() if name != "learning_rate")
            epochs, steps = self.params.get("epochs"), self.params.get("steps")
            where = f"epoch {self._epoch + 1}/{epochs}" + ("" if final else f" step {step}/{steps}")
            tell(
                " ".join(part for part in (label, where, shown) if part),
                step=step,
                steps=steps,
                epoch=self._epoch + 1,
                epochs=epochs,
                epoch_end=final,
                **values,
            )

    return _Progress()
