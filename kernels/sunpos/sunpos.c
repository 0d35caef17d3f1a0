/* sunpos: where the sun stands, from the day of the year, the local mean solar time and the latitude.
 *
 * Declination and equation of time: J. W. Spencer, "Fourier series representation of the position of the sun", Search 2
 * (1971), good to about 0.04 and 0.15 degrees. Horizontal coordinates: any text on spherical astronomy, for instance
 * J. Meeus, "Astronomical Algorithms", chapter 13. Geometric: refraction (0.5 degrees at the horizon) is left out.
 *
 * The azimuth is counted from north over east and does not jump: with the hour angle h from -184 to 184 degrees, the
 * azimuth south of which h is 0 is the one continuous in h, so that around midnight it may be a little below 0 or above 360;
 * take it modulo 360. That holds wherever the sun culminates in the south, north of the tropic; closer to the equator the
 * sun passes the zenith, where an azimuth cannot be continuous.
 */
#include <math.h>

#define PI 3.14159265358979324f
#define DEGREE 0.0174532925199432958f

/* day: days since 1 January, 0 h; returns the sun's declination and the equation of time, both in rad. */
static float declination_of(float day, float *equation)
{
    const float g = 2.0f * PI / 365.0f * day;
    const float c1 = cosf(g);
    const float s1 = sinf(g);
    const float c2 = cosf(2.0f * g);
    const float s2 = sinf(2.0f * g);

    *equation = 0.0000075f + 0.001868f * c1 - 0.032077f * s1 - 0.014615f * c2 - 0.040849f * s2;
    return 0.006918f - 0.399912f * c1 + 0.070257f * s1 - 0.006758f * c2 + 0.000907f * s2 - 0.002697f * cosf(3.0f * g) +
           0.00148f * sinf(3.0f * g);
}

/* in: day of the year (1 is 1 January), local mean solar time in hours, latitude in degrees north; out: azimuth and
 * elevation in degrees. */
void sunpos(const float in[3], float out[2])
{
    float equation;
    const float declination = declination_of(in[0] - 1.0f + in[1] / 24.0f, &equation);
    const float hour_angle = (in[1] - 12.0f) * (15.0f * DEGREE) + equation;
    const float latitude = in[2] * DEGREE;
    const float sin_d = sinf(declination);
    const float cos_d = cosf(declination);
    const float sin_l = sinf(latitude);
    const float cos_l = cosf(latitude);
    const float cos_h = cosf(hour_angle);
    const float west = cos_d * sinf(hour_angle);
    const float south = sin_l * cos_d * cos_h - cos_l * sin_d;
    const float up = sin_l * sin_d + cos_l * cos_d * cos_h;
    float azimuth = atan2f(west, south); /* from south over west, -pi to pi */

    if (hour_angle > 0.0f && azimuth < 0.0f) {
        azimuth += 2.0f * PI;
    } else if (hour_angle < 0.0f && azimuth > 0.0f) {
        azimuth -= 2.0f * PI;
    }
    out[0] = 180.0f + azimuth / DEGREE;
    out[1] = atan2f(up, sqrtf(west * west + south * south)) / DEGREE;
}

/* A solar tracker between 30 and 60 degrees north, from sunrise to sunset: day, latitude, and the share of the daylight
 * that has passed, are uniform. u: day, latitude, share. */
void sunpos_sample(const float u[3], float in[3])
{
    float equation;
    const float day = 1.0f + 365.0f * u[0];
    const float latitude = 30.0f + 30.0f * u[1];
    const float declination = declination_of(day - 0.5f, &equation);
    const float sunset = acosf(-tanf(latitude * DEGREE) * tanf(declination));

    in[0] = day;
    in[1] = 12.0f + ((2.0f * u[2] - 1.0f) * sunset - equation) / (15.0f * DEGREE);
    in[2] = latitude;
}
