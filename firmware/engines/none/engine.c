/* No engine: the exact function alone. What a firmware with a network takes over this one is the network's footprint. With
 * AXE_WITHOUT_EXACT there is not even that: what this one takes over it is the exact function's.
 */
#include "axe_engine.h"

#include "axe_model.h"
#include "axe_timing.h"

int axe_engine_init(void)
{
    return AXE_OK;
}

int axe_engine_exact(const float *in, float *out, uint32_t *ticks)
{
    const uint32_t start = axe_timing_begin();
#if AXE_MODEL_HAS_EXACT && !defined(AXE_WITHOUT_EXACT)
    AXE_MODEL_EXACT(in, out);
#else
    (void)in;
    (void)out;
#endif
    *ticks = axe_timing_end(start);
    return AXE_WIRE_UNSAFE;
}

int axe_engine_gated(const float *in, float *out, uint32_t *ticks)
{
    return axe_engine_exact(in, out, ticks);
}

int axe_engine_approximate(const float *in, float *out, uint32_t *ticks)
{
    (void)in;
    (void)out;
    *ticks = 0;
    return AXE_ERROR_NO_NETWORK;
}

int axe_engine_vector(const void *in, void *out, void *logit)
{
    (void)in;
    (void)out;
    (void)logit;
    return AXE_ERROR_NO_NETWORK;
}
