/* What an engine is to the rest of the firmware: one network, one exact function, and how to time them.
 *
 * engines/<engine>/ implements this for the model that the build describes in axe_model.h. Inputs and outputs are in the
 * kernel's own units. `in` and `out` never overlap.
 */
#ifndef AXE_ENGINE_H
#define AXE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "axe_errors.h"
#include "axe_protocol.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Constants of the image.
 *
 * hash:            of the model; build_id: of the image.
 * activation_bits: width of a code, 8 or 16.
 * codes:           how many of them the network takes: one an input, or two where inputs have a coarse and a fine one.
 * threshold:       the network is used iff the logit's code is at least this.
 * eps, delta:      the promise, "violation rate <= eps with confidence 1 - delta"; 0 without one.
 * calibration_count: inputs that the promise was calibrated on; 0 without one.
 * arena_bytes:     working memory of the interpreter; 0 for generated C.
 */
typedef struct axe_engine_info {
    const char *board;
    const char *kernel;
    uint64_t hash;
    uint64_t build_id;
    int32_t threshold;
    float eps;
    float delta;
    uint32_t calibration_count;
    uint32_t arena_bytes;
    uint8_t engine; /* enum axe_wire_engine */
    uint8_t activation_bits;
    uint16_t codes;
    uint8_t inputs;  /* 1 to 255 */
    uint8_t outputs; /* 1 to 255 */
    bool has_exact;
} axe_engine_info;

const axe_engine_info *axe_engine_about(void);

/* Set the network up. Returns AXE_OK, or AXE_ERROR_ENGINE_INIT: then only axe_engine_about and axe_engine_exact may be
 * called. Called once, before any other call but axe_engine_about.
 */
int axe_engine_init(void);

/* Run one sample: in[inputs] -> out[outputs]; *ticks is what the call alone took, with interrupts masked, the cost of
 * reading the timer included (axe_timing_overhead).
 *
 * gated:       as an application calls it: the network where it may be used, else the exact function. Without an exact
 *              function, `out` is untouched unless approximated.
 * approximate: the network's answer whatever the predictor says; out of domain: `out` untouched. Returns the path that a
 *              gated call would take.
 * exact:       the exact function; only where has_exact.
 *
 * Return a path (enum axe_wire_path), or a negative error. exact returns AXE_WIRE_UNSAFE.
 */
int axe_engine_gated(const float *in, float *out, uint32_t *ticks);
int axe_engine_approximate(const float *in, float *out, uint32_t *ticks);
int axe_engine_exact(const float *in, float *out, uint32_t *ticks);

/* Run both heads on codes: in[codes] -> out[outputs], *logit; int8_t, or int16_t where activation_bits is 16, all
 * suitably aligned. Returns AXE_OK or a negative error.
 */
int axe_engine_vector(const void *in, void *out, void *logit);

#ifdef __cplusplus
}
#endif

#endif
