/* The generated-C engine: the pair axnet_<kernel>.{h,c} as it is. */
#include "axe_engine.h"

#include "axe_model.h"
#include "pair.h"

static const axe_engine_info info = {
    .board = AXE_MODEL_BOARD,
    .kernel = AXE_MODEL_KERNEL,
    .hash = AXE_MODEL_HASH,
    .build_id = AXE_MODEL_BUILD_ID,
    .threshold = AXE_MODEL_THRESHOLD,
    .eps = AXE_MODEL_EPS,
    .delta = AXE_MODEL_DELTA,
    .arena_bytes = 0,
    .engine = AXE_WIRE_ENGINE_AOT,
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
    return AXE_OK;
}

int axe_pair_outcome(int path)
{
    return path;
}

int axe_engine_vector(const void *in, void *out, void *logit)
{
    AXE_MODEL_NET(in, out, logit);
    return AXE_OK;
}
