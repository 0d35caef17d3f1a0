/* A network as TensorFlow Lite Micro executes it, behind the interface that the generated pair's float rules expect.
 *
 * Names and sizes come from axe_tflm_model.h, which says which model this is, so that an application can hold several.
 * Not reentrant: the interpreter has state.
 */
#ifndef AXE_TFLM_H
#define AXE_TFLM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "axe_tflm_model.h"

#if AXE_TFLM_BITS == 16
typedef int16_t axe_tflm_code;
#else
typedef int8_t axe_tflm_code;
#endif

/* TFLM aligns its arena to 16 bytes; an array of these is. */
typedef struct axe_tflm_arena {
    uint8_t bytes[16];
} __attribute__((aligned(16))) axe_tflm_arena;

enum axe_tflm_status {
    AXE_TFLM_OK = 0,
    AXE_TFLM_SHORT_ARENA = -1,
    AXE_TFLM_REFUSED = -2 /* no room left to plan the memory in; or not a model that this library can run */
};

#ifdef __cplusplus
extern "C" {
#endif

/* Set the interpreter up in `arena`, which it keeps: `bytes` bytes, aligned to 16. Returns an axe_tflm_status. May be called again. */
int AXE_TFLM_OPEN(void *arena, size_t bytes);

/* What AXE_TFLM_RUN returns where the network failed, or was not set up: less than any code. */
#define AXE_TFLM_FAILED (-(INT32_C(1) << 24))

/* Run both heads: in[AXE_TFLM_CODES] -> out[outputs], which may be `in` and is written only if the logit is at least `least`. Returns the
 * logit's code, the largest where the network has no predictor; or AXE_TFLM_FAILED.
 */
int32_t AXE_TFLM_RUN(const axe_tflm_code *in, axe_tflm_code *out, int32_t least);

/* Return whether AXE_TFLM_RUN failed since this was last asked. */
bool AXE_TFLM_TAKE_FAILURE(void);

#ifdef __cplusplus
}
#endif

#endif
