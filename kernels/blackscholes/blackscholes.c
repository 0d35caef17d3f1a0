/* blackscholes: price of a European call or put on an asset without dividends.
 *
 * Black and Scholes, "The Pricing of Options and Corporate Liabilities", Journal of Political Economy 81 (1973):
 *     d1 = (ln(S / K) + (r + s^2 / 2) T) / (s sqrt(T)),    d2 = d1 - s sqrt(T),
 *     call = S N(d1) - K exp(-r T) N(d2),                  put = K exp(-r T) N(-d2) - S N(-d1).
 */
#include <math.h>

/* Share of a standard normal above z: Abramowitz & Stegun 26.2.17 (error below 7.5e-8). */
static float normal_above(float z)
{
    const float size = fabsf(z);
    const float t = 1.0f / (1.0f + 0.2316419f * size);
    const float density = 0.398942280f * expf(-0.5f * size * size);
    const float polynomial =
        t * (0.319381530f + t * (-0.356563782f + t * (1.781477937f + t * (-1.821255978f + t * 1.330274429f))));
    const float tail = density * polynomial;

    return z >= 0.0f ? tail : 1.0f - tail;
}

/* in: spot, strike (same currency), rate per year, volatility per sqrt(year), time in years, kind (below 0.5 a call, else a
 * put); out: price in the currency. */
void blackscholes(const float in[6], float out[1])
{
    const float spot = in[0];
    const float strike = in[1];
    const float rate = in[2];
    const float volatility = in[3];
    const float years = in[4];
    const float spread = volatility * sqrtf(years);
    const float d1 = (logf(spot / strike) + (rate + 0.5f * volatility * volatility) * years) / spread;
    const float d2 = d1 - spread;
    const float paid = strike * expf(-rate * years);
    const float call = spot * normal_above(-d1) - paid * normal_above(-d2);
    const float put = paid * normal_above(d2) - spot * normal_above(d1);
    const float price = in[5] < 0.5f ? call : put;

    out[0] = price < 0.0f ? 0.0f : price; /* rounding alone can make it negative; a NaN stays one */
}

/* What trades: as many calls as puts, their strikes from one standard deviation of the asset at expiry in the money to two
 * out of it, half a one out most often; the farthest strikes listed are 35 and 250. u: spot, rate, volatility, time, kind,
 * and two for the strike. */
void blackscholes_sample(const float u[7], float in[6])
{
    const float volatility = 0.1f + 0.4f * u[2];
    const float years = 0.05f + 0.95f * u[3];
    const float out_of_money = 1.5f * (u[5] + u[6]) - 1.0f;
    const float direction = u[4] < 0.5f ? 1.0f : -1.0f;
    const float spot = 80.0f + 40.0f * u[0];
    const float strike = spot * expf(direction * out_of_money * volatility * sqrtf(years));

    in[0] = spot;
    in[1] = strike < 35.0f ? 35.0f : strike > 250.0f ? 250.0f : strike;
    in[2] = 0.1f * u[1];
    in[3] = volatility;
    in[4] = years;
    in[5] = u[4] < 0.5f ? 0.0f : 1.0f;
}
