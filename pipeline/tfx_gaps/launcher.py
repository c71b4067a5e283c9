"""TFX 1.21: whether a node would run or come from the cache, without running it.

`Launcher.launch` finds that out in its first half, and goes on at once; there is no public way to stop between.
"""

from __future__ import annotations

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)
from modules.tf_gaps.guard import Gap

from tfx.orchestration.portable.launcher import Launcher

_GAP = Gap("tfx", __name__)


def would_run(launcher: Launcher) -> bool:
    """Resolves a node's inputs, runs its driver and asks the cache, as `launch` does, and clears up after itself.

    Args:
        launcher: of the node, which must not be a resolver.

    Raises:
        GapError: TFX's launcher goes another way.
    """
    clean_up = ("_clean_up_stateless_execution_info", "_clean_up_stateful_execution_info")
    _GAP.require(launcher, "_prepare_execution", *clean_up)
    _GAP.require_use(Launcher, "launch", "_prepare_execution", "is_execution_needed")
    prepared = launcher._prepare_execution()
    if prepared.is_execution_needed:
        launcher._clean_up_stateless_execution_info(prepared.execution_info)
        launcher._clean_up_stateful_execution_info(prepared.execution_info)
    return bool(prepared.is_execution_needed)
