/* inversek2j_double: the same arm and the same inputs as inversek2j, computed in double, as much real code is.
 *
 * Formula: see inversek2j.c.
 */
#include <math.h>

#define LINK_M 0.5
#define HALF_PI 1.57079632679489662

/* in: tip x, y in m; out: theta1, theta2 in rad. Beyond the reach the arm is stretched out towards the point. */
void inversek2j_double(const float in[2], float out[2])
{
    const double x = (double)in[0];
    const double y = (double)in[1];
    double cosine = (x * x + y * y) / (2.0 * LINK_M * LINK_M) - 1.0;
    double theta2;

    if (cosine > 1.0) {
        cosine = 1.0;
    }
    theta2 = acos(cosine);
    out[0] = (float)(atan2(y, x) - 0.5 * theta2);
    out[1] = (float)theta2;
}

static float within(double value, float low, float high)
{
    const float rounded = (float)value;

    return rounded < low ? low : rounded > high ? high : rounded;
}

/* The application moves the joints: theta1, theta2 uniform in [0, pi/2), and the tip follows. */
void inversek2j_double_sample(const float u[2], float in[2])
{
    const double theta1 = (double)u[0] * HALF_PI;
    const double theta2 = (double)u[1] * HALF_PI;

    in[0] = within(LINK_M * (cos(theta1) + cos(theta1 + theta2)), -0.5f, 1.0f);
    in[1] = within(LINK_M * (sin(theta1) + sin(theta1 + theta2)), 0.0f, 1.0f);
}
