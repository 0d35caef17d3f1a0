/* kmeans: how far the colour of a pixel is from the centre of a cluster, as a share of the largest possible distance.
 *
 * Euclidean distance in RGB, the inner step of Lloyd's algorithm ("Least squares quantization in PCM", IEEE Transactions on
 * Information Theory 28, 1982).
 */
#include <math.h>

#define BLACK_TO_WHITE 1.73205080756887729f

/* in: red, green, blue of the pixel and of the centre, each 0..1; out: distance, 0..1. */
void kmeans(const float in[6], float out[1])
{
    const float red = in[0] - in[3];
    const float green = in[1] - in[4];
    const float blue = in[2] - in[5];

    out[0] = sqrtf(red * red + green * green + blue * blue) * (1.0f / BLACK_TO_WHITE);
}
