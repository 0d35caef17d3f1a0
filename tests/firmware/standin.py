"""A hand-written stand-in for what `axedge convert` leaves, in arithmetic that a test can do in its head.

Kernel `standin`: out = (x0 + x1, x0 - x1). Network on codes c = x * 64, clamped: out = (c0 + c1, c0 - c1) saturated,
logit = c0. Threshold 0, domain [-1, 1]. An exact call with x0 = FAULT_INPUT executes an illegal instruction, with
x0 = DEEP_INPUT runs down the stack (x1 levels of it if x1 > 0), and with x0 = LOOP_INPUT turns a loop of two
instructions as often as the bits of x1 say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Literal, Union, get_args, get_origin

from pydantic import BaseModel

from axedge.artifacts.files import atomic_write, digest_files
from axedge.artifacts.pair import OPTIMIZE, generated_source
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.records.convert import ConvertRecord
from axedge.firmware.boards import load_board
from axedge.firmware.build import build_firmware

NAME = "standin"
MODEL_HASH = "0123456789abcdef"
THRESHOLD = 0
EPS, DELTA, CALIBRATION_COUNT = 0.05, 0.01, 54321
FAULT_INPUT, DEEP_INPUT, LOOP_INPUT = 1000.0, 2000.0, 3000.0

KERNEL_C = """
#include <stdint.h>
#include <string.h>
void standin(const float in[2], float out[2]);

/* A known number of instructions: each turn is one subtraction and one branch. */
static void turns(uint32_t count)
{
#if defined(__arm__)
    __asm volatile(".syntax unified\\n 1:\\n subs %0, %0, #1\\n bne 1b\\n" : "+l"(count) : : "cc");
#elif defined(__AVR__)
    __asm__ volatile("1:\\n subi %A0, 1\\n sbci %B0, 0\\n sbci %C0, 0\\n sbci %D0, 0\\n brne 1b\\n" : "+d"(count));
#elif defined(__riscv)
    __asm volatile("1:\\n addi %0, %0, -1\\n bnez %0, 1b\\n" : "+r"(count));
#else
    for (volatile uint32_t i = 0; i < count; i++) {
    }
#endif
}

static volatile int deep_sink;

__attribute__((noinline)) static int deep(long level)
{
    volatile int here[64];
    for (int i = 0; i < 64; i++) {
        here[i] = (int)level;
    }
    deep_sink = here[level & 63];
    return level == 0 ? 0 : deep(level - 1) + here[level & 63];
}

void standin(const float in[2], float out[2])
{
    const float x = in[0];
    const float y = in[1];
    if (x == 1000.0f) {
        __builtin_trap();
    }
    if (x == 2000.0f) {
        deep_sink = deep(y > 0.0f ? (long)y : 1000000L);
    }
    if (x == 3000.0f) {
        uint32_t count;
        memcpy(&count, &in[1], sizeof count);
        turns(count);
        memcpy(out, in, 2 * sizeof in[0]);
        return;
    }
    out[0] = x + y;
    out[1] = x - y;
}
"""

HEADER = f"""
#ifndef AXNET_STANDIN_H
#define AXNET_STANDIN_H
#include <stdint.h>
#define AXE_STANDIN_MODEL_HASH "{MODEL_HASH}"
#define AXE_STANDIN_MODEL_HASH_HI 0x{MODEL_HASH[:8]}u
#define AXE_STANDIN_MODEL_HASH_LO 0x{MODEL_HASH[8:]}u
#define AXE_STANDIN_INPUTS 2
#define AXE_STANDIN_OUTPUTS 2
#define AXE_STANDIN_CODES 2
#define AXE_STANDIN_ACTIVATION_BITS @BITS@
#define AXE_STANDIN_HAS_EXACT @HAS_EXACT@
#define AXE_STANDIN_THRESHOLD {THRESHOLD}
#define AXE_STANDIN_EPS {EPS}f
#define AXE_STANDIN_DELTA {DELTA}f
#define AXE_STANDIN_CALIBRATION_COUNT {CALIBRATION_COUNT}
typedef enum axe_path {{ AXE_PATH_APPROXIMATED = 0, AXE_PATH_UNSAFE = 1, AXE_PATH_OUT_OF_DOMAIN = 2 }} axe_path;
axe_path axe_standin(const float in[2], float out[2]);
axe_path axe_standin_approximate(const float in[2], float out[2]);
void axe_standin_net(const int@BITS@_t in[2], int@BITS@_t out[2], int@BITS@_t *logit);
#endif
"""

SOURCE = """
#include "axnet_standin.h"

typedef int@BITS@_t code;
static const code limit = @LIMIT@;
void standin(const float in[2], float out[2]);

static code saturate(int32_t value)
{
    return (code)(value < -limit - 1 ? -limit - 1 : value > limit ? limit : value);
}

void axe_standin_net(const code in[2], code out[2], code *logit)
{
    const int32_t left = in[0];
    const int32_t right = in[1];
    out[0] = saturate(left + right);
    out[1] = saturate(left - right);
    *logit = (code)left;
}

static axe_path run(const float in[2], float out[2])
{
    code codes[2];
    code answer[2];
    code logit;
    for (int i = 0; i < 2; i++) {
        if (!(in[i] >= -1.0f && in[i] <= 1.0f)) {
            return AXE_PATH_OUT_OF_DOMAIN;
        }
        codes[i] = saturate((int32_t)(in[i] * 64.0f));
    }
    axe_standin_net(codes, answer, &logit);
    out[0] = (float)answer[0] * 0.015625f;
    out[1] = (float)answer[1] * 0.015625f;
    return logit >= AXE_STANDIN_THRESHOLD ? AXE_PATH_APPROXIMATED : AXE_PATH_UNSAFE;
}

axe_path axe_standin_approximate(const float in[2], float out[2])
{
    return run(in, out);
}

axe_path axe_standin(const float in[2], float out[2])
{
    float answer[2];
    const axe_path path = run(in, answer);
    if (path == AXE_PATH_APPROXIMATED) {
        out[0] = answer[0];
        out[1] = answer[1];
    }
#if AXE_STANDIN_HAS_EXACT
    else {
        standin(in, out);
    }
#endif
    return path;
}
"""


@dataclass(frozen=True)
class StandIn:
    """The stand-in kernel, in a folder of its own, as build_firmware wants to see a kernel."""

    folder: Path
    has_exact: bool = True
    name: str = NAME

    def sources(self) -> list[Path]:
        return [self.folder / "standin.c"] if self.has_exact else []

    def include_dirs(self) -> list[Path]:
        return [self.folder] if self.has_exact else []

    def digest(self) -> str:
        return digest_files(self.sources())


def write_kernel(folder: Path, has_exact: bool = True) -> StandIn:
    folder.mkdir(parents=True, exist_ok=True)
    if has_exact:
        (folder / "standin.c").write_text(KERNEL_C)
    return StandIn(folder, has_exact)


def write_pair(folder: Path, has_exact: bool = True, bits: int = 8) -> Path:
    """Write axnet_standin.h, its sources and convert.json; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    words = {"@BITS@": str(bits), "@LIMIT@": str(2 ** (bits - 1) - 1), "@HAS_EXACT@": str(int(has_exact))}
    sources = {generated_source(NAME, optimize): SOURCE for optimize in OPTIMIZE}
    for name, text in {"axnet_standin.h": HEADER, **sources}.items():
        for word, value in words.items():
            text = text.replace(word, value)
        atomic_write(folder / name, text)
    convert_record(has_exact, bits).save(folder)
    return folder


def convert_record(has_exact: bool = True, bits: int = 8) -> ConvertRecord:
    """Return a record that says what a build reads of it, and nothing of any worth otherwise."""
    said = {
        "kernel": NAME,
        "has_exact": has_exact,
        "model_hash": MODEL_HASH,
        "activations": "int16" if bits == 16 else "int8",
    }
    return filled(ConvertRecord, said)


def filled(kind: type[BaseModel], said: dict[str, object] | None = None) -> BaseModel:
    """Return a model with the values `said`, and the simplest ones that are valid for every other field."""
    values = {name: simplest(field.annotation) for name, field in kind.model_fields.items() if field.is_required()}
    return kind(**(values | (said or {})))


def simplest(kind: object) -> object:
    """Return a value of a type."""
    origin = get_origin(kind)
    if origin is Literal:
        return get_args(kind)[0]
    if origin in (Union, UnionType):
        return None if type(None) in get_args(kind) else simplest(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return filled(kind)
    return (origin or kind)()


class Images:
    """Builds images of the stand-in, each combination once.

    Args:
        folder: where to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._built: dict[tuple, tuple[Path, BuildRecord]] = {}

    def get(self, board: str, *, has_exact: bool = True, bits: int = 8, **options: object) -> tuple[Path, BuildRecord]:
        """Return the ELF file and the record of an image."""
        key = (board, has_exact, bits, *sorted(options.items()))
        if key not in self._built:
            name = "-".join(str(part) for part in (board, has_exact, bits, len(self._built)))
            kernel = write_kernel(self.folder / f"kernel-{has_exact}", has_exact)
            pair = write_pair(self.folder / f"pair-{has_exact}-{bits}", has_exact, bits)
            record = build_firmware(pair, kernel, load_board(board), self.folder / name, **options)
            self._built[key] = (self.folder / name / "firmware.elf", record)
        return self._built[key]
