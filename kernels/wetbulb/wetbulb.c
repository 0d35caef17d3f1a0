/* wetbulb: what a wetted, ventilated thermometer shows, from air temperature, relative humidity and pressure.
 *
 * WMO-No. 8, "Guide to Meteorological Instruments and Methods of Observation" (2014), part I, annex 4.B:
 *     saturation pressure over water   e_w(t) = 6.112 exp(17.62 t / (243.12 + t)) hPa,
 *     enhancement in moist air         f(p) = 1.0016 + 3.15e-6 p - 0.074 / p,
 *     aspirated psychrometer           U/100 f e_w(t) = f e_w(tw) - 6.53e-4 (1 + 9.44e-4 tw) p (t - tw).
 * The last line has no closed solution for tw. It grows and bends upwards with tw, so Newton's steps from t approach the
 * solution from one side. Below 0 degrees the water is taken as supercooled.
 */
#include <math.h>

#define MAX_STEPS 20
#define CLOSE_K 1e-4f

static float saturation_hpa(float celsius)
{
    return 6.112f * expf(17.62f * celsius / (243.12f + celsius));
}

/* in: air temperature in degrees Celsius, relative humidity in percent, pressure in hPa; out: wet-bulb temperature in
 * degrees Celsius. */
void wetbulb(const float in[3], float out[1])
{
    const float air = in[0];
    const float pressure = in[2];
    const float enhancement = 1.0016f + 3.15e-6f * pressure - 0.074f / pressure;
    const float vapour = 0.01f * in[1] * enhancement * saturation_hpa(air);
    const float coefficient = 6.53e-4f * pressure;
    float wet = air;
    int step;

    for (step = 0; step < MAX_STEPS; step++) {
        const float saturated = enhancement * saturation_hpa(wet);
        const float cooling = coefficient * (1.0f + 9.44e-4f * wet);
        const float scale = 243.12f + wet;
        const float slope = saturated * (17.62f * 243.12f) / (scale * scale) + cooling - coefficient * 9.44e-4f * (air - wet);
        const float change = (saturated - cooling * (air - wet) - vapour) / slope;

        wet -= change;
        if (fabsf(change) < CLOSE_K) {
            break;
        }
    }
    out[0] = wet;
}

/* Weather stations from sea level to 2,000 m: temperature uniform; humidity uniform from 5 % to saturation, but never a dew
 * point above 30 degrees, which the atmosphere hardly knows; pressure by the barometric formula of the standard atmosphere
 * (ICAO Doc 7488) around 1013 +- 30 hPa at sea level. u: temperature, humidity, height, weather. */
void wetbulb_sample(const float u[4], float in[3])
{
    const float air = 45.0f * u[0];
    const float driest = 5.0f;
    const float limit = 100.0f * saturation_hpa(30.0f) / saturation_hpa(air);
    const float wettest = limit < 100.0f ? limit : 100.0f;

    in[0] = air;
    in[1] = driest + (wettest - driest) * u[1];
    in[2] = (983.0f + 60.0f * u[3]) * powf(1.0f - 2.25577e-5f * 2000.0f * u[2], 5.25588f);
}
