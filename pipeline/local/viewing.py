"""Opening a page for the person at this machine."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path


def open_page(file: Path) -> bool:
    """Opens a file in the browser.

    Args:
        file: an absolute path.

    Returns:
        Whether a browser was asked to: not where there is no screen, since a text browser would take the terminal.
    """
    screen = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(screen) and webbrowser.open(file.as_uri())
