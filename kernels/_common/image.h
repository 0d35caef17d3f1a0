/* Small pictures made from uniform numbers: what a camera's window shows of lit surfaces, edges, discs and texture.
 *
 * A scene is a smooth function of the place, so windows of any size can be cut from it. It is made for samplers only: no
 * board's build sees it. All levels are 0 (black) to 1 (white), all lengths in pixels.
 */
#ifndef AXEDGE_IMAGE_H
#define AXEDGE_IMAGE_H

#include <math.h>
#include <stdint.h>

#define IMAGE_UNIFORMS 20 /* numbers that image_scene_of reads */
#define IMAGE_TURN 6.28318530717958648f

typedef struct {
    float level, slope_x, slope_y;                /* light falling off over a surface */
    float edge_x, edge_y, edge_at, edge_step;     /* a straight border between two surfaces */
    float disc_x, disc_y, disc_radius, disc_step; /* a round one */
    float softness;                               /* half the width of a border: the lens */
    float wave_x, wave_y, wave_phase, wave_size;  /* regular texture */
    float grain;                                  /* of the sensor, peak */
    uint32_t seed;
} image_scene;

static inline float image_clamp(float value)
{
    return value < 0.0f ? 0.0f : value > 1.0f ? 1.0f : value;
}

/* Small values often, large ones seldom; the lower `none` of the range is nothing at all. */
static inline float image_rare(float u, float none)
{
    const float share = (u - none) / (1.0f - none);

    return share <= 0.0f ? 0.0f : share * share;
}

/* u: IMAGE_UNIFORMS numbers in [0, 1); span: side of the window that will be looked at. */
static inline image_scene image_scene_of(const float u[IMAGE_UNIFORMS], float span)
{
    const float light = IMAGE_TURN * u[2];
    const float across = IMAGE_TURN * u[4];
    const float wave = IMAGE_TURN * u[12];
    const float pitch = 2.5f + 13.5f * u[13] * u[13];
    const float slope = 0.03f * u[1] * u[1];
    image_scene scene;

    scene.level = 0.05f + 0.9f * u[0];
    scene.slope_x = slope * cosf(light);
    scene.slope_y = slope * sinf(light);
    scene.edge_x = cosf(across);
    scene.edge_y = sinf(across);
    scene.edge_at = (u[5] - 0.5f) * 2.0f * span;
    scene.edge_step = u[6] < 0.3f ? 0.0f : (u[3] - 0.5f) * 1.2f;
    scene.disc_x = (u[7] - 0.5f) * 4.0f * span;
    scene.disc_y = (u[8] - 0.5f) * 4.0f * span;
    scene.disc_radius = span * (0.3f + 2.0f * u[9]);
    scene.disc_step = u[10] < 0.4f ? 0.0f : (u[11] - 0.5f) * 1.2f;
    scene.softness = 0.3f + 1.2f * u[15];
    scene.wave_x = IMAGE_TURN * cosf(wave) / pitch;
    scene.wave_y = IMAGE_TURN * sinf(wave) / pitch;
    scene.wave_phase = IMAGE_TURN * u[14];
    scene.wave_size = 0.25f * image_rare(u[16], 0.3f);
    scene.grain = 0.002f + 0.03f * image_rare(u[17], 0.0f);
    scene.seed = (uint32_t)(u[18] * 16777216.0f) * 2654435761u + (uint32_t)(u[19] * 16777216.0f);
    return scene;
}

/* How much of a border lies behind: 0 before it, 1 past it, smooth between. */
static inline float image_border(float distance, float softness)
{
    const float t = image_clamp(0.5f + 0.5f * distance / softness);

    return t * t * (3.0f - 2.0f * t);
}

/* Uniform in [-1, 1) from a place: an integer hash, so that the same pixel always has the same grain. */
static inline float image_noise(uint32_t seed, int32_t x, int32_t y)
{
    uint32_t h = seed ^ ((uint32_t)x * 0x9e3779b1u) ^ ((uint32_t)y * 0x85ebca77u);

    h = (h ^ (h >> 15)) * 0x2c1b3c6du;
    h = (h ^ (h >> 12)) * 0x297a2d39u;
    h ^= h >> 15;
    return (float)(h >> 8) * (2.0f / 16777216.0f) - 1.0f;
}

/* Level at a place before grain and rounding; x, y from the middle of the window. May leave 0..1. */
static inline float image_light(const image_scene *scene, float x, float y)
{
    const float dx = x - scene->disc_x;
    const float dy = y - scene->disc_y;
    const float inside = scene->disc_radius - sqrtf(dx * dx + dy * dy);
    const float past = scene->edge_x * x + scene->edge_y * y - scene->edge_at;

    return scene->level + scene->slope_x * x + scene->slope_y * y +
           scene->edge_step * image_border(past, scene->softness) +
           scene->disc_step * image_border(inside, scene->softness) +
           scene->wave_size * sinf(scene->wave_x * x + scene->wave_y * y + scene->wave_phase);
}

/* What a camera of eight bits gives for a light: clipped, one of 256 levels k / 255. */
static inline float image_pixel(float light)
{
    return floorf(image_clamp(light) * 255.0f + 0.5f) / 255.0f;
}

/* The window of side x side pixels around the middle, row by row. */
static inline void image_window(const image_scene *scene, int32_t side, float *pixels)
{
    const float middle = 0.5f * (float)(side - 1);
    int32_t x, y;

    for (y = 0; y < side; y++) {
        for (x = 0; x < side; x++) {
            const float light = image_light(scene, (float)x - middle, (float)y - middle);

            *pixels++ = image_pixel(light + scene->grain * image_noise(scene->seed, x, y));
        }
    }
}

#endif
