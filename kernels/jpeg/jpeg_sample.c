/* Blocks that a JPEG encoder sees when it walks over pictures. */
#include "../_common/image.h"

void jpeg_sample(const float u[IMAGE_UNIFORMS], float in[64])
{
    const image_scene scene = image_scene_of(u, 8.0f);

    image_window(&scene, 8, in);
}
