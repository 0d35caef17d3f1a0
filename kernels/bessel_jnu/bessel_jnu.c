/* bessel_jnu: Bessel function of the first kind, J_nu(x), of real order.
 *
 * Power series: DLMF 10.2.2 (Abramowitz & Stegun 9.1.10),
 *     J_nu(x) = (x/2)^nu / Gamma(nu + 1) * sum_k (-x^2/4)^k / (k! (nu + 1)(nu + 2)...(nu + k)).
 * Gamma is written out, because the C libraries of the smallest targets have no tgammaf.
 */
#include <math.h>

#define MAX_ORDER 20.0f
#define MAX_ARGUMENT 5.0f /* beyond it the alternating series loses more than three digits */
#define MAX_TERMS 40

/* Gamma(1 + z) for 0 <= z, by Abramowitz & Stegun 6.1.36 on 0..1 (error below 3e-7) and Gamma(z + 1) = z Gamma(z). */
static float gamma_1p(float z)
{
    float factor = 1.0f;
    float sum = 0.035868343f;

    while (z > 1.0f) {
        factor *= z;
        z -= 1.0f;
    }
    sum = sum * z - 0.193527818f;
    sum = sum * z + 0.482199394f;
    sum = sum * z - 0.756704078f;
    sum = sum * z + 0.918206857f;
    sum = sum * z - 0.897056937f;
    sum = sum * z + 0.988205891f;
    sum = sum * z - 0.577191652f;
    return factor * (sum * z + 1.0f);
}

/* in: nu in 0..20, x in 0..5 (subnormal x, as good as 0, counts as 0 or nearly so); out: J_nu(x). Not-a-number outside. */
void bessel_jnu(const float in[2], float out[1])
{
    const float nu = in[0];
    const float x = in[1];
    const float step = -0.25f * x * x;
    float term = 1.0f;
    float sum = 1.0f;
    int k;

    if (!(nu >= 0.0f && nu <= MAX_ORDER && x >= 0.0f && x <= MAX_ARGUMENT)) {
        out[0] = NAN;
        return;
    }
    for (k = 1; k <= MAX_TERMS; k++) {
        const float before = sum;

        term *= step / ((float)k * (nu + (float)k));
        sum += term;
        if (sum == before) {
            break;
        }
    }
    out[0] = powf(0.5f * x, nu) / gamma_1p(nu) * sum;
}
