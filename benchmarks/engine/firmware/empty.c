/* What TARGET is compared with: functions that do nothing, in a file of their own so that calls to them stay calls. */
#include "axnet_bench.h"

void empty_net(const axe_bench_code *in, axe_bench_code *out, axe_bench_code *logit);
void empty_float(const float *in, float *out);
void empty_exact(const float *in, float *out);

void empty_net(const axe_bench_code *in, axe_bench_code *out, axe_bench_code *logit)
{
    (void)in;
    (void)out;
    (void)logit;
}

void empty_float(const float *in, float *out)
{
    (void)in;
    (void)out;
}

void empty_exact(const float *in, float *out)
{
    (void)in;
    (void)out;
}
