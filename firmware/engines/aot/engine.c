/* The generated-C engine: the calls of the pair axnet_<kernel>.{h,c}, each behind the clock. */
#include "axe_engine.h"

#include "axe_model.h"
#include "axe_timing.h"

typedef char paths_agree[AXE_PATH_APPROXIMATED == 0 && AXE_PATH_UNSAFE == 1 && AXE_PATH_OUT_OF_DOMAIN == 2 ? 1 : -1];

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

int axe_engine_gated(const float *in, float *out, uint32_t *ticks)
{
    const uint32_t start = axe_timing_begin();
    const axe_path path = AXE_MODEL_GATED(in, out);
    *ticks = axe_timing_end(start);
    return (int)path;
}

int axe_engine_approximate(const float *in, float *out, uint32_t *ticks)
{
    const uint32_t start = axe_timing_begin();
    const axe_path path = AXE_MODEL_APPROXIMATE(in, out);
    *ticks = axe_timing_end(start);
    return (int)path;
}

int axe_engine_exact(const float *in, float *out, uint32_t *ticks)
{
#if AXE_MODEL_HAS_EXACT
    const uint32_t start = axe_timing_begin();
    AXE_MODEL_EXACT(in, out);
    *ticks = axe_timing_end(start);
    return AXE_WIRE_UNSAFE;
#else
    (void)in;
    (void)out;
    *ticks = 0;
    return AXE_ERROR_NO_EXACT;
#endif
}

int axe_engine_vector(const void *in, void *out, void *logit)
{
    AXE_MODEL_NET(in, out, logit);
    return AXE_OK;
}
