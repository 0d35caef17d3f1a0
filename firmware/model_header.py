"""The generated pair as the firmware's build sees it, and axe_model.h, which ties pair, kernel and board together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from axedge.artifacts.errors import ArtifactError
from axedge.artifacts.pair import generated_source

HEADER_BYTES, CRC_BYTES, RUN_HEADER_BYTES, HELLO_FIXED_BYTES = 7, 4, 2, 76  # docs/protocol.md
COBS_BLOCK_BYTES = 254

_SIZES = ("INPUTS", "OUTPUTS", "CODES", "ACTIVATION_BITS")
_MACRO = re.compile(
    rf"^#define AXE_\w+?_(?P<name>MODEL_HASH|CALIBRATION_COUNT|{'|'.join(_SIZES)}) +(?P<value>.+)$", re.M
)


@dataclass(frozen=True)
class GeneratedPair:
    """axnet_<kernel>.{h,c} in a folder.

    Attributes:
        kernel: its name.
        folder: where both files are.
        model_hash: 16 hex digits.
        inputs: numbers a sample takes.
        outputs: numbers a sample gives.
        codes: that the network takes for a sample: one an input, or two in two-byte form.
        activation_bits: 8 or 16.
        optimize: which of the sources: "speed", "balanced" or "size".
    """

    kernel: str
    folder: Path
    model_hash: str
    inputs: int
    outputs: int
    codes: int
    activation_bits: int
    optimize: str = "speed"

    @property
    def header(self) -> Path:
        """The header file."""
        return self.folder / f"axnet_{self.kernel}.h"

    @property
    def source(self) -> Path:
        """The C file."""
        return self.folder / generated_source(self.kernel, self.optimize)

    @property
    def arrays(self) -> tuple[Path, Path]:
        """The header and the source of the .tflite as an array."""
        return self.folder / f"axnet_{self.kernel}_tflite.h", self.folder / f"axnet_{self.kernel}_tflite.cc"


def read_pair(folder: Path, kernel: str, optimize: str = "speed") -> GeneratedPair:
    """Read the sizes and the hash of a generated pair from its header.

    Args:
        folder: what `axedge convert` left.
        kernel: name.
        optimize: what the source is made for: "speed", "balanced" or "size".

    Raises:
        ArtifactError: a file is missing, or is not what `axedge convert` writes.
    """
    header = folder / f"axnet_{kernel}.h"
    again = "Run `axedge convert` again."
    try:
        text = header.read_text(encoding="utf-8")
        (folder / generated_source(kernel, optimize)).stat()
    except OSError as error:
        raise ArtifactError(f"{error.filename} is missing.", again) from None
    macros = {match["name"]: match["value"].strip().strip('"') for match in _MACRO.finditer(text)}
    try:
        sizes = {name: int(macros[name]) for name in _SIZES}
        model_hash = macros["MODEL_HASH"]
        int(model_hash, 16)
        int(macros["CALIBRATION_COUNT"])  # axe_model.h names it; headers of earlier versions have none
    except (KeyError, ValueError):
        raise ArtifactError(f"{header} is not a header that this version of axedge generates.", again) from None
    return GeneratedPair(kernel, folder, model_hash, *sizes.values(), optimize)


def frame_bytes(payload: int) -> int:
    """Return what a frame with `payload` bytes takes on the line at most, its 0x00 included."""
    size = HEADER_BYTES + payload + CRC_BYTES
    return size + size // COBS_BLOCK_BYTES + 2


def smallest_frame_max(inputs: int, outputs: int, board: str, kernel: str) -> int:
    """Return the smallest frame_max with which HELLO is answered and one sample of any mode can be run."""
    hello = HELLO_FIXED_BYTES + 2 + len(board.encode()) + len(kernel.encode())
    request = RUN_HEADER_BYTES + 4 * inputs
    reply = RUN_HEADER_BYTES + 9 + 8 * outputs
    return max(frame_bytes(payload) for payload in (hello, request, reply))


@dataclass(frozen=True)
class WireSizes:
    """Largest frame, and bytes of frames that may be under way to the device."""

    frame_max: int
    credit: int


def wire_sizes(pair: GeneratedPair, board: str, frame_max: int, credit: int) -> WireSizes:
    """Return the board's sizes, raised where a sample of this kernel needs more."""
    frame = max(frame_max, smallest_frame_max(pair.inputs, pair.outputs, board, pair.kernel))
    return WireSizes(frame, max(credit, frame))


def model_header(
    pair: GeneratedPair, board: str, has_exact: bool, build_id: str, sizes: WireSizes, arena_bytes: int = 0
) -> str:
    """Return the text of axe_model.h.

    Args:
        pair: the network.
        board: name.
        has_exact: whether the kernel brings C.
        build_id: 16 hex digits.
        sizes: of the link.
        arena_bytes: working memory of the interpreter, a multiple of 16; 0 without one.
    """
    upper = f"AXE_{pair.kernel.upper()}"
    digits = pair.model_hash
    exact = f"void {pair.kernel}(const float in[{pair.inputs}], float out[{pair.outputs}]);\n" if has_exact else ""
    return f"""/* Written by the build: which network, kernel and board this image is. */
#ifndef AXE_MODEL_H
#define AXE_MODEL_H

#include "axnet_{pair.kernel}.h"

#if {upper}_MODEL_HASH_HI != 0x{digits[:8]} || {upper}_MODEL_HASH_LO != 0x{digits[8:]}
#error "axnet_{pair.kernel}.h is of another model than the build was told"
#endif

{exact}
#define AXE_MODEL_BOARD "{board}"
#define AXE_MODEL_KERNEL "{pair.kernel}"
#define AXE_MODEL_HASH UINT64_C(0x{digits})
#define AXE_MODEL_BUILD_ID UINT64_C(0x{build_id})
#define AXE_MODEL_INPUTS {pair.inputs}
#define AXE_MODEL_OUTPUTS {pair.outputs}
#define AXE_MODEL_CODES {pair.codes}
#define AXE_MODEL_ACTIVATION_BITS {pair.activation_bits}
#define AXE_MODEL_HAS_EXACT {int(has_exact)}
#define AXE_MODEL_THRESHOLD {upper}_THRESHOLD
#define AXE_MODEL_EPS {upper}_EPS
#define AXE_MODEL_DELTA {upper}_DELTA
#define AXE_MODEL_CALIBRATION_COUNT {upper}_CALIBRATION_COUNT
#define AXE_MODEL_FRAME_MAX {sizes.frame_max}
#define AXE_MODEL_CREDIT {sizes.credit}
#define AXE_MODEL_ARENA_BYTES {arena_bytes}

#define AXE_MODEL_GATED axe_{pair.kernel}
#define AXE_MODEL_APPROXIMATE axe_{pair.kernel}_approximate
#define AXE_MODEL_NET axe_{pair.kernel}_net
#define AXE_MODEL_EXACT {pair.kernel}

#endif
"""


def tflm_definition(pair: GeneratedPair) -> str:
    """Return the definition under which axnet_<kernel>.c leaves its network to axe_tflm.cc."""
    return f"AXE_{pair.kernel.upper()}_NETWORK=axe_{pair.kernel}_tflm_run"


def tflm_header(pair: GeneratedPair) -> str:
    """Return the text of axe_tflm_model.h, which tells engines/tflm/axe_tflm.{h,cc} which network it is.

    Raises:
        ArtifactError: the .tflite's array is missing.
    """
    kernel, macro = pair.kernel, f"AXNET_{pair.kernel.upper()}_TFLITE"
    try:
        has_predictor = f"{macro}_LOGIT_OUTPUT" in pair.arrays[0].read_text(encoding="utf-8")
        pair.arrays[1].stat()
    except OSError as error:
        raise ArtifactError(f"{error.filename} is missing.", "Run `axedge convert` again.") from None
    logit = f"#define AXE_TFLM_LOGIT {macro}_LOGIT_OUTPUT\n" if has_predictor else ""
    return f"""/* Which network axe_tflm.cc runs. */
#ifndef AXE_TFLM_MODEL_H
#define AXE_TFLM_MODEL_H

#include "axnet_{kernel}.h"

#define AXE_TFLM_CODES {pair.codes}
#define AXE_TFLM_OUTPUTS {pair.outputs}
#define AXE_TFLM_BITS {pair.activation_bits}
#define AXE_TFLM_PAIR_HASH AXE_{kernel.upper()}_MODEL_HASH

/* What axnet_{kernel}_tflite.h, C++, calls things. */
#define AXE_TFLM_ARRAYS "axnet_{kernel}_tflite.h"
#define AXE_TFLM_ARRAYS_HASH {macro}_MODEL_HASH
#define AXE_TFLM_MODEL axnet_{kernel}_tflite
#define AXE_TFLM_OPS {macro}_OPS
#define AXE_TFLM_FOR_EACH_OP {macro}_FOR_EACH_OP
#define AXE_TFLM_ANSWER {macro}_ANSWER_OUTPUT
{logit}
#define AXE_TFLM_OPEN axe_{kernel}_tflm_open
#define AXE_TFLM_RUN axe_{kernel}_tflm_run
#define AXE_TFLM_TAKE_FAILURE axe_{kernel}_tflm_take_failure

#endif
"""
