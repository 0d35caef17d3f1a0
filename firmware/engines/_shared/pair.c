/* The calls of the pair axnet_<kernel>.{h,c}, each behind the clock: the same whatever engine executes the network. */
#include "pair.h"

#include "axe_engine.h"
#include "axe_model.h"
#include "axe_timing.h"

typedef char paths_agree[AXE_PATH_APPROXIMATED == 0 && AXE_PATH_UNSAFE == 1 && AXE_PATH_OUT_OF_DOMAIN == 2 ? 1 : -1];

int axe_engine_gated(const float *in, float *out, uint32_t *ticks)
{
    const uint32_t start = axe_timing_begin();
    const axe_path path = AXE_MODEL_GATED(in, out);
    *ticks = axe_timing_end(start);
    return axe_pair_outcome((int)path);
}

int axe_engine_approximate(const float *in, float *out, uint32_t *ticks)
{
    const uint32_t start = axe_timing_begin();
    const axe_path path = AXE_MODEL_APPROXIMATE(in, out);
    *ticks = axe_timing_end(start);
    return axe_pair_outcome((int)path);
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
