"""What `axedge bench --engine both` leaves behind: two engines on one board, and whether they agree."""

from __future__ import annotations

from typing import ClassVar, Literal

from axedge.artifacts.records.base import Part, Record
from axedge.artifacts.records.bench import BenchRecord
from axedge.artifacts.records.build import TflmFigures


class Agreement(Part):
    """What both engines were asked, and where they said different things.

    Attributes:
        vectors: stored vectors that both answered with the stored bits; nothing is timed otherwise.
        samples: samples whose paths and outputs, of the network and of the gated call, were compared bit for bit.
        differing: of these, how many differ; always 0 in a record that was written.
    """

    vectors: int
    samples: int
    differing: int


class Ratio(Part):
    """What TFLM takes over what the generated C takes, means of the same samples.

    Attributes:
        approximate: of the network's call, both heads; null where the clock was too coarse.
        gated: of the gated call, fallbacks included.
        flash: of the network's share of the image.
    """

    approximate: float | None
    gated: float | None
    flash: float | None


class SideBySideRecord(Record):
    """both.json.

    Attributes:
        kernel: name of the kernel.
        board: name of the board.
        activations: "int8" or "int16".
        model_hash: 16 hex digits, the same for both images.
        agreement: what was compared.
        ratio: tflm over aot.
        tflm: of the TFLM image: its kernels and its arena.
        aot_bench: the bench of the generated C.
        tflm_bench: the bench of TFLM.
    """

    VERB: ClassVar[str] = "bench --engine both"
    FILE: ClassVar[str] = "both.json"

    kernel: str
    board: str
    activations: Literal["int8", "int16"]
    model_hash: str
    agreement: Agreement
    ratio: Ratio
    tflm: TflmFigures | None
    aot_bench: BenchRecord
    tflm_bench: BenchRecord
