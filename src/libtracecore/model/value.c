/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The numeric meaning of a value. Literals are read exactly: never through a double. */
#include "model/value.h"
#include "model/number.h"

#include <math.h>

double tcore_value_double(const struct tcore_value *v)
{
    double d;
    switch (v->kind) {
    case TCORE_INT:
        return (double)v->i;
    case TCORE_DOUBLE:
        return v->d;
    case TCORE_NUMBER:
        return tcore_parse_double(v->s, v->len, &d) ? d : NAN;
    default:
        return NAN;
    }
}

bool tcore_value_int64(const struct tcore_value *v, int64_t *i)
{
    switch (v->kind) {
    case TCORE_INT:
        *i = v->i;
        return true;
    case TCORE_DOUBLE:
        /* Both bounds are exact doubles; NaN fails the comparisons. */
        if (!(v->d >= -0x1p63 && v->d < 0x1p63) || v->d != (double)(int64_t)v->d)
            return false;
        *i = (int64_t)v->d;
        return true;
    case TCORE_NUMBER:
        return tcore_parse_integral(v->s, v->len, i);
    default:
        return false;
    }
}
