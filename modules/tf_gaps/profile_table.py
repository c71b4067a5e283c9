"""TensorFlow 2.21: the numbers of a profile.

TensorFlow writes profiles, and leaves reading them to a plugin of TensorBoard that is no part of it. The call that
the plugin's pages are drawn from is inside TensorFlow, in a private module.
"""

from __future__ import annotations

import importlib

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.tf_gaps.guard import Gap

_GAP = Gap("tensorflow", __name__)
_MODULE, _FUNCTION = "tensorflow.python.profiler.internal._pywrap_profiler_plugin", "xspace_to_tools_data"


def profile_table(file: str, tool: str) -> bytes:
    """One table of a profile.

    Args:
        file: `*.xplane.pb`, as the profiler writes it.
        tool: name of the table, such as `framework_op_stats`.

    Returns:
        JSON.

    Raises:
        GapError: TensorFlow has no such call or table any more.
    """
    try:
        plugin = importlib.import_module(_MODULE)
    except ImportError as error:
        raise _GAP.broken(f"has no {_MODULE} ({error})") from error
    _GAP.require(plugin, _FUNCTION)
    content, found = getattr(plugin, _FUNCTION)([file], tool)
    if not found:
        raise _GAP.broken(f"has no table {tool} for {file}: {content!r}")
    return content
