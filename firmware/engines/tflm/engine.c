/* The TensorFlow Lite Micro engine: the pair's float rules and gate around a network that TFLM's kernels execute. */
#include "axe_engine.h"

#include "axe_model.h"
#include "axe_tflm.h"
#include "pair.h"

static axe_tflm_arena arena[AXE_MODEL_ARENA_BYTES / sizeof(axe_tflm_arena)];

static const axe_engine_info info = {
    .board = AXE_MODEL_BOARD,
    .kernel = AXE_MODEL_KERNEL,
    .hash = AXE_MODEL_HASH,
    .build_id = AXE_MODEL_BUILD_ID,
    .threshold = AXE_MODEL_THRESHOLD,
    .eps = AXE_MODEL_EPS,
    .delta = AXE_MODEL_DELTA,
    .arena_bytes = sizeof arena,
    .engine = AXE_WIRE_ENGINE_TFLM,
    .activation_bits = AXE_MODEL_ACTIVATION_BITS,
    .inputs = AXE_MODEL_INPUTS,
    .outputs = AXE_MODEL_OUTPUTS,
    .has_exact = AXE_MODEL_HAS_EXACT,
};

const axe_engine_info *axe_engine_about(void)
{
    return &info;
}

int axe_engine_init(void)
{
    return AXE_TFLM_OPEN(arena, sizeof arena) == AXE_TFLM_OK ? AXE_OK : AXE_ERROR_ENGINE_INIT;
}

int axe_pair_outcome(int path)
{
    return AXE_TFLM_TAKE_FAILURE() ? AXE_ERROR_ENGINE_RUN : path;
}

int axe_engine_vector(const void *in, void *out, void *logit)
{
    const int32_t code = AXE_TFLM_RUN(in, out, INT32_MIN);
    if (AXE_TFLM_TAKE_FAILURE()) {
        return AXE_ERROR_ENGINE_RUN;
    }
    *(axe_tflm_code *)logit = (axe_tflm_code)code;
    return AXE_OK;
}
