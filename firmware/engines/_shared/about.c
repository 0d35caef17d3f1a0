/* What the image says of itself: the same table for every engine. AXE_ENGINE, which the build defines, is which one it is. */
#include "axe_engine.h"

#include "axe_model.h"

#define HAS_NETWORK (AXE_ENGINE != AXE_WIRE_ENGINE_NONE)

static const axe_engine_info info = {
    .board = AXE_MODEL_BOARD,
    .kernel = AXE_MODEL_KERNEL,
    .hash = AXE_MODEL_HASH,
    .build_id = AXE_MODEL_BUILD_ID,
    /* NOLINTBEGIN(bugprone-branch-clone): what a model says may be 0 */
    .threshold = HAS_NETWORK ? AXE_MODEL_THRESHOLD : 0,
    .eps = HAS_NETWORK ? AXE_MODEL_EPS : 0.0F,
    .delta = HAS_NETWORK ? AXE_MODEL_DELTA : 0.0F,
    .calibration_count = HAS_NETWORK ? AXE_MODEL_CALIBRATION_COUNT : 0,
    .arena_bytes = HAS_NETWORK ? AXE_MODEL_ARENA_BYTES : 0,
    /* NOLINTEND(bugprone-branch-clone) */
    .engine = AXE_ENGINE,
    .activation_bits = AXE_MODEL_ACTIVATION_BITS,
    .inputs = AXE_MODEL_INPUTS,
    .codes = AXE_MODEL_CODES,
    .outputs = AXE_MODEL_OUTPUTS,
    .has_exact = AXE_MODEL_HAS_EXACT,
};

const axe_engine_info *axe_engine_about(void)
{
    return &info;
}
