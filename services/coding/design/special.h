/* special.h - the few special functions that the plan designer needs.  Pure. */
#ifndef HUZHU_PLAN_SPECIAL_H
#define HUZHU_PLAN_SPECIAL_H

double norm_cdf(double z);
double norm_tail(double z);                /* 1 - norm_cdf(z), without cancellation */
double norm_quantile(double p);            /* p in (0,1); absolute error below 1e-14 around 0 */
double gamma_tail(double shape, double x); /* regularised upper incomplete gamma Q(shape, x) */

#endif
