/* Pixels of pictures in a few colours, beside the centres that a clustering of the same picture finds. */
#include "../_common/image.h"

#define COLOURS 4

/* u: the scene, then two numbers that choose whose pixel and which centre, twelve for the colours, three for how far the
 * centre is still off. */
void kmeans_sample(const float u[IMAGE_UNIFORMS + 17], float in[6])
{
    const image_scene scene = image_scene_of(u, 8.0f);
    const float *rest = u + IMAGE_UNIFORMS;
    const float *colours = rest + 2;
    const float *own = colours + 3 * (int32_t)(rest[0] * (float)COLOURS);
    const float *other = colours + 3 * (int32_t)(rest[1] * (float)COLOURS);
    const float *off = colours + 3 * COLOURS;
    const float light = image_light(&scene, 0.0f, 0.0f);
    int32_t c;

    for (c = 0; c < 3; c++) {
        const float shaded = own[c] * (0.6f + 0.6f * image_clamp(light));

        in[c] = image_pixel(shaded + scene.grain * image_noise(scene.seed, c, 0));
        in[3 + c] = image_clamp(0.9f * other[c] + 0.2f * (off[c] - 0.5f));
    }
}
