/* The TensorFlow Lite Micro engine: the pair's float rules and gate around a network that TFLM's kernels execute. */
#include "axe_engine.h"

#include "axe_model.h"
#include "axe_tflm.h"
#include "pair.h"

static axe_tflm_arena arena[AXE_MODEL_ARENA_BYTES / sizeof(axe_tflm_arena)];

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
