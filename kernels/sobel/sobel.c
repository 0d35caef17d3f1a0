/* sobel: strength of the edge at the middle of a 3 x 3 window.
 *
 * Sobel and Feldman, "A 3x3 isotropic gradient operator for image processing" (Stanford Artificial Intelligence Project,
 * 1968): gradients by the weights 1 2 1, magnitude limited to the range of a pixel, as edge images are stored.
 */
#include <math.h>

/* in: pixels row by row, 0..1; out: magnitude, 0..1. */
void sobel(const float in[9], float out[1])
{
    const float right = (in[2] + 2.0f * in[5] + in[8]) - (in[0] + 2.0f * in[3] + in[6]);
    const float down = (in[6] + 2.0f * in[7] + in[8]) - (in[0] + 2.0f * in[1] + in[2]);
    const float magnitude = sqrtf(right * right + down * down);

    out[0] = magnitude > 1.0f ? 1.0f : magnitude;
}
