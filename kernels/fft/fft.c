/* fft: the twiddle factor of a fast Fourier transform, as sine and cosine of a fraction of a turn.
 *
 * W_N^k = cos(2 pi k / N) - i sin(2 pi k / N) with the fraction k / N: Cooley and Tukey, "An Algorithm for the Machine
 * Calculation of Complex Fourier Series", Mathematics of Computation 19 (1965).
 */
#include <math.h>

#define TURN 6.28318530717958648f

/* in: fraction of a turn; out: sine, cosine. */
void fft(const float in[1], float out[2])
{
    const float angle = TURN * in[0];

    out[0] = sinf(angle);
    out[1] = cosf(angle);
}
