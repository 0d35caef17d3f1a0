/* jmeint: do two triangles in space intersect?
 *
 * Interval test: T. Moeller, "A Fast Triangle-Triangle Intersection Test", Journal of Graphics Tools 2 (1997). If the corners
 * of neither triangle lie all on one side of the other's plane, both cross the line where the planes meet, each in an
 * interval, and they intersect where the intervals do. Triangles in one plane are compared edge by edge. A triangle without
 * area intersects nothing.
 */
#include <math.h>

typedef struct {
    float x, y, z;
} vec;

static vec corner(const float *triangle, int i)
{
    const vec v = {triangle[3 * i], triangle[3 * i + 1], triangle[3 * i + 2]};

    return v;
}

static vec minus(vec a, vec b)
{
    const vec v = {a.x - b.x, a.y - b.y, a.z - b.z};

    return v;
}

static vec cross(vec a, vec b)
{
    const vec v = {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};

    return v;
}

static float dot(vec a, vec b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static vec normal_of(const float *triangle)
{
    const vec first = corner(triangle, 0);

    return cross(minus(corner(triangle, 1), first), minus(corner(triangle, 2), first));
}

/* Index of the component of `v` that is largest in magnitude. */
static int main_axis(vec v)
{
    const float x = fabsf(v.x);
    const float y = fabsf(v.y);
    const float z = fabsf(v.z);

    return x >= y && x >= z ? 0 : y >= z ? 1 : 2;
}

/* Signed distances, times the normal's length, of a triangle's corners from the plane of another. */
static void distances(const float *triangle, vec normal, vec on_plane, float d[3])
{
    int i;

    for (i = 0; i < 3; i++) {
        d[i] = dot(normal, minus(corner(triangle, i), on_plane));
    }
}

static int on_one_side(const float d[3])
{
    return (d[0] > 0.0f && d[1] > 0.0f && d[2] > 0.0f) || (d[0] < 0.0f && d[1] < 0.0f && d[2] < 0.0f);
}

/* Where a triangle crosses the other's plane, along `axis`. d: its corners' distances, not all of one sign, not all 0. */
static void crossing(const float *triangle, int axis, const float d[3], float interval[2])
{
    /* the corner that has a side of the plane to itself */
    const int alone = d[0] * d[1] > 0.0f                   ? 2
                      : d[0] * d[2] > 0.0f                 ? 1
                      : d[1] * d[2] > 0.0f || d[0] != 0.0f ? 0
                      : d[1] != 0.0f                       ? 1
                                                           : 2;
    const float from = triangle[3 * alone + axis];
    int i;

    for (i = 0; i < 2; i++) {
        const int other = (alone + 1 + i) % 3;

        interval[i] = from + (triangle[3 * other + axis] - from) * (d[alone] / (d[alone] - d[other]));
    }
}

static float smaller(float a, float b)
{
    return a < b ? a : b;
}

static float larger(float a, float b)
{
    return a > b ? a : b;
}

typedef struct {
    float x, y;
} point;

/* Twice the area of a, b, c: positive where they turn left. */
static float turn(point a, point b, point c)
{
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

static int edges_meet(point a, point b, point c, point d)
{
    if (larger(a.x, b.x) < smaller(c.x, d.x) || larger(c.x, d.x) < smaller(a.x, b.x) ||
        larger(a.y, b.y) < smaller(c.y, d.y) || larger(c.y, d.y) < smaller(a.y, b.y)) {
        return 0;
    }
    return turn(a, b, c) * turn(a, b, d) <= 0.0f && turn(c, d, a) * turn(c, d, b) <= 0.0f;
}

static int is_inside(point p, const point t[3])
{
    const float a = turn(t[0], t[1], p);
    const float b = turn(t[1], t[2], p);
    const float c = turn(t[2], t[0], p);

    return (a >= 0.0f && b >= 0.0f && c >= 0.0f) || (a <= 0.0f && b <= 0.0f && c <= 0.0f);
}

static int meet_in_plane(const float *first, const float *second, vec normal)
{
    const int dropped = main_axis(normal);
    const int across = dropped == 0 ? 1 : 0;
    const int along = dropped == 2 ? 1 : 2;
    point a[3], b[3];
    int i, j;

    for (i = 0; i < 3; i++) {
        a[i].x = first[3 * i + across];
        a[i].y = first[3 * i + along];
        b[i].x = second[3 * i + across];
        b[i].y = second[3 * i + along];
    }
    for (i = 0; i < 3; i++) {
        for (j = 0; j < 3; j++) {
            if (edges_meet(a[i], a[(i + 1) % 3], b[j], b[(j + 1) % 3])) {
                return 1;
            }
        }
    }
    return is_inside(a[0], b) || is_inside(b[0], a);
}

/* in: three corners x, y, z of the one triangle, then of the other; out: 1 where they have a point in common, else 0. */
void jmeint(const float in[18], float out[1])
{
    const float *first = in;
    const float *second = in + 9;
    const vec first_normal = normal_of(first);
    const vec second_normal = normal_of(second);
    float d[3], e[3], one[2], two[2];
    int axis;

    distances(second, first_normal, corner(first, 0), e);
    distances(first, second_normal, corner(second, 0), d);
    if (on_one_side(d) || on_one_side(e) || dot(first_normal, first_normal) == 0.0f ||
        dot(second_normal, second_normal) == 0.0f) {
        out[0] = 0.0f;
        return;
    }
    if ((d[0] == 0.0f && d[1] == 0.0f && d[2] == 0.0f) || (e[0] == 0.0f && e[1] == 0.0f && e[2] == 0.0f)) {
        out[0] = meet_in_plane(first, second, first_normal) ? 1.0f : 0.0f;
        return;
    }
    axis = main_axis(cross(first_normal, second_normal));
    crossing(first, axis, d, one);
    crossing(second, axis, e, two);
    out[0] = larger(smaller(one[0], one[1]), smaller(two[0], two[1])) <= smaller(larger(one[0], one[1]), larger(two[0], two[1]))
                 ? 1.0f
                 : 0.0f;
}
