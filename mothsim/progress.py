"""Progress bars on standard error."""

from __future__ import annotations

from tqdm import tqdm


class ProgressBar(tqdm):
    """tqdm's bar without its monitoring thread, which would stay behind, even after a bar that was not shown."""

    monitor_interval = 0
