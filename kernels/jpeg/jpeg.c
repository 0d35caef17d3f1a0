/* jpeg: what is left of an 8 x 8 block of pixels after JPEG's discrete cosine transform and quantisation.
 *
 * ITU-T T.81 (1992): transform A.3.3, quantisation A.3.4, luminance table K.1 (quality 50). The coefficients are given back
 * as a decoder will see them, quantised level times table step, in units of the pixels' full scale. The transform keeps
 * lengths, so the root of the mean squared error over the 64 coefficients is the one over the 64 decoded pixels; the
 * level itself, for the entropy coder, is round(255 * out / step).
 */
#include <math.h>

static const float quantiser_steps[64] = {
    16.0f, 11.0f, 10.0f, 16.0f, 24.0f,  40.0f,  51.0f,  61.0f,  /* vertical frequency 0 */
    12.0f, 12.0f, 14.0f, 19.0f, 26.0f,  58.0f,  60.0f,  55.0f,  /* 1 */
    14.0f, 13.0f, 16.0f, 24.0f, 40.0f,  57.0f,  69.0f,  56.0f,  /* 2 */
    14.0f, 17.0f, 22.0f, 29.0f, 51.0f,  87.0f,  80.0f,  62.0f,  /* 3 */
    18.0f, 22.0f, 37.0f, 56.0f, 68.0f,  109.0f, 103.0f, 77.0f,  /* 4 */
    24.0f, 35.0f, 55.0f, 64.0f, 81.0f,  104.0f, 113.0f, 92.0f,  /* 5 */
    49.0f, 64.0f, 78.0f, 87.0f, 103.0f, 121.0f, 120.0f, 101.0f, /* 6 */
    72.0f, 92.0f, 95.0f, 98.0f, 112.0f, 100.0f, 103.0f, 99.0f,  /* 7 */
};

/* Half of cos(k pi / 16). */
#define C1 0.490392640f
#define C2 0.461939766f
#define C3 0.415734806f
#define C4 0.353553391f
#define C5 0.277785117f
#define C6 0.191341716f
#define C7 0.0975451610f

/* Orthonormal cosine transform of eight values `stride` apart, in place. Sums and differences of mirrored values part the
 * even from the odd frequencies, which halves the products. */
static void transform_8(float *v, int stride)
{
    const float s0 = v[0] + v[7 * stride];
    const float s1 = v[stride] + v[6 * stride];
    const float s2 = v[2 * stride] + v[5 * stride];
    const float s3 = v[3 * stride] + v[4 * stride];
    const float d0 = v[0] - v[7 * stride];
    const float d1 = v[stride] - v[6 * stride];
    const float d2 = v[2 * stride] - v[5 * stride];
    const float d3 = v[3 * stride] - v[4 * stride];
    const float outer = s0 + s3;
    const float inner = s1 + s2;

    v[0] = C4 * (outer + inner);
    v[4 * stride] = C4 * (outer - inner);
    v[2 * stride] = C2 * (s0 - s3) + C6 * (s1 - s2);
    v[6 * stride] = C6 * (s0 - s3) - C2 * (s1 - s2);
    v[stride] = C1 * d0 + C3 * d1 + C5 * d2 + C7 * d3;
    v[3 * stride] = C3 * d0 - C7 * d1 - C1 * d2 - C5 * d3;
    v[5 * stride] = C5 * d0 - C1 * d1 + C7 * d2 + C3 * d3;
    v[7 * stride] = C7 * d0 - C5 * d1 + C3 * d2 - C1 * d3;
}

/* in: pixels row by row, 0..1; out: coefficients row by row, the frequency across growing within a row, the one down from row
 * to row. */
void jpeg(const float in[64], float out[64])
{
    float block[64];
    int i;

    for (i = 0; i < 64; i++) {
        block[i] = 255.0f * in[i] - 128.0f;
    }
    for (i = 0; i < 8; i++) {
        transform_8(block + 8 * i, 1);
    }
    for (i = 0; i < 8; i++) {
        transform_8(block + i, 8);
    }
    for (i = 0; i < 64; i++) {
        const float step = quantiser_steps[i];

        out[i] = floorf(block[i] / step + 0.5f) * step * (1.0f / 255.0f);
    }
}
