/* inversek2j: joint angles of a planar arm of two links, 0.5 m each, from the position of its tip.
 *
 * Elbow-down solution by the law of cosines, as in Spong, Hutchinson, Vidyasagar, "Robot Modeling and Control" (2006),
 * chapter 1.4; for equal links it shortens to
 *     cos(theta2) = (x^2 + y^2) / (2 l^2) - 1,    theta1 = atan2(y, x) - theta2 / 2.
 */
#include <math.h>

#define LINK_M 0.5f
#define HALF_PI 1.57079632679489662f

/* in: tip x, y in m; out: theta1, theta2 in rad. Beyond the reach the arm is stretched out towards the point. */
void inversek2j(const float in[2], float out[2])
{
    const float x = in[0];
    const float y = in[1];
    float cosine = (x * x + y * y) / (2.0f * LINK_M * LINK_M) - 1.0f;
    float theta2;

    if (cosine > 1.0f) {
        cosine = 1.0f;
    }
    theta2 = acosf(cosine);
    out[0] = atan2f(y, x) - 0.5f * theta2;
    out[1] = theta2;
}

static float within(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}

/* The application moves the joints: theta1, theta2 uniform in [0, pi/2), and the tip follows. */
void inversek2j_sample(const float u[2], float in[2])
{
    const float theta1 = u[0] * HALF_PI;
    const float theta2 = u[1] * HALF_PI;

    in[0] = within(LINK_M * (cosf(theta1) + cosf(theta1 + theta2)), -0.5f, 1.0f);
    in[1] = within(LINK_M * (sinf(theta1) + sinf(theta1 + theta2)), 0.0f, 1.0f);
}
