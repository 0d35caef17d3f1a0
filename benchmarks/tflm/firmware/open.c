/* Sets TFLM's interpreter up before the bench's main() runs: linked with --wrap=main. */
#include "axe_tflm.h"

int __real_main(void);
int __wrap_main(void);

static axe_tflm_arena arena[ARENA_BYTES / sizeof(axe_tflm_arena)];

int __wrap_main(void)
{
    return AXE_TFLM_OPEN(arena, sizeof arena) == AXE_TFLM_OK ? __real_main() : 1;
}
