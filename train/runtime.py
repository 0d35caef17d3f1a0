"""TensorFlow, loaded when it is first needed and kept quiet and small."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from functools import cache
from types import FrameType, ModuleType

from axedge.artifacts.errors import ToolMissing
from axedge.train.chatter import without_chatter

THREADS = 2


@cache
def tensorflow() -> ModuleType:
    """Return the TensorFlow module, limited to a few threads: networks of this size gain nothing from more.

    Raises:
        ToolMissing: it is not installed, or cannot be loaded here.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    try:
        with _interrupts_later(), without_chatter():
            import tensorflow as tf
    except ImportError as error:
        reason = str(error).splitlines()[0] if str(error) else "import failed"
        raise ToolMissing(
            f"TensorFlow cannot be loaded: {reason}.", "Install it: `pip install 'axedge[train]'`."
        ) from None
    try:
        tf.config.threading.set_intra_op_parallelism_threads(min(THREADS, os.cpu_count() or 1))
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # somebody in this process used TensorFlow before us: keep what they chose
        pass
    return tf


@contextlib.contextmanager
def _interrupts_later() -> Iterator[None]:
    """Answer Ctrl-C after the block: in the middle of loading, a module written in C makes an ImportError of it."""
    if threading.current_thread() is not threading.main_thread() or not callable(signal.getsignal(signal.SIGINT)):
        yield
        return
    came: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        came.append(number)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            raise KeyboardInterrupt
