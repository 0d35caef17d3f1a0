"""The generated C under AddressSanitizer and UndefinedBehaviorSanitizer, on random codes and on every kind of float."""

import subprocess

import pytest
from emit_build import compile_c, write_pair
from emit_nets import axnet, deploy

pytestmark = pytest.mark.cc

MAIN = """
#include <stdlib.h>
#include <string.h>
#include "axnet_kernel.h"
static uint32_t state = 1u;
static uint32_t draw(void) {{ state = state * 1664525u + 1013904223u; return state >> 8 ^ state << 13; }}
int main(void)
{{
    int i, j;
    for (i = 0; i < 20000; i++) {{
        axe_kernel_code *in = (axe_kernel_code *)malloc({inputs} * sizeof *in);
        axe_kernel_code *out = (axe_kernel_code *)malloc({outputs} * sizeof *out);
        float *x = (float *)malloc({inputs} * sizeof *x), *y = (float *)malloc({outputs} * sizeof *y);
        axe_kernel_code logit;
        int8_t margin;
        for (j = 0; j < {inputs}; j++) {{
            uint32_t bits = i % 3 ? draw() : 0x3c000000u + (draw() & 0x83ffffffu);
            in[j] = (axe_kernel_code)draw();
            memcpy(&x[j], &bits, sizeof bits);
        }}
        axe_kernel_net(in, out, &logit);
        axe_kernel_q(in, out, &margin);
        axe_kernel(x, y);
        axe_kernel_approximate(x, y);
        free(in); free(out); free(x); free(y);
    }}
    return 0;
}}
"""
FLAGS = ("-std=c99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("core", ["generic", "cortex-m0", "cortex-m4", "cortex-m55"])
def test_nothing_undefined(tmp_path, compiler, optimize, core):
    for seed, bits in enumerate((8, 16)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        deployment = deploy(axnet(20 + seed, inputs=3, hidden=(6, 3), bits=bits), seed=seed)
        sources = write_pair(folder, deployment, optimize, core)
        main = folder / "main.c"
        main.write_text(MAIN.format(inputs=3, outputs=2))
        program = compile_c(
            [main, *sources], folder / "program", compiler, (*FLAGS, "-DAXE_SOFT_FLOAT=" + str(seed)), shared=False
        )
        done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
