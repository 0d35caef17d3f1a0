"""Loading TensorFlow: what Ctrl-C does meanwhile."""

from __future__ import annotations

import os
import signal

import pytest

from axedge.train.runtime import _interrupts_later


def test_an_interrupt_waits_for_the_end_of_loading_and_is_not_lost() -> None:
    before, reached = signal.getsignal(signal.SIGINT), False
    with pytest.raises(KeyboardInterrupt), _interrupts_later():
        os.kill(os.getpid(), signal.SIGINT)
        reached = True
        raise ImportError("initialization failed")  # what a module in C makes of an interrupt
    assert reached and signal.getsignal(signal.SIGINT) is before


def test_without_an_interrupt_a_failure_to_load_stays_what_it_is() -> None:
    with pytest.raises(ImportError), _interrupts_later():
        raise ImportError("no module")
