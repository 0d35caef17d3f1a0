/* The generated-C engine: the pair axnet_<kernel>.{h,c} as it is. */
#include "axe_engine.h"

#include "axe_model.h"
#include "pair.h"

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
