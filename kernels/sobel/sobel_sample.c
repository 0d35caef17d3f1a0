/* Windows that an edge detector sees when it walks over pictures. */
#include "../_common/image.h"

void sobel_sample(const float u[IMAGE_UNIFORMS], float in[9])
{
    const image_scene scene = image_scene_of(u, 3.0f);

    image_window(&scene, 3, in);
}
