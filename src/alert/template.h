/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one kind of template: {label}. What is not there is "", {{ and }} are braces. */
#ifndef ALERT_TEMPLATE_H
#define ALERT_TEMPLATE_H

#include "base/buf.h"
#include "model/json.h"

/* Appends the template (which rule_template_problem() found fine); put appends what name stands
 * for. */
void template_expand(const char *text,
                     void (*put)(const void *data, const char *name, size_t length,
                                 struct tcore_buf *out),
                     const void *data, struct tcore_buf *out);
/* As put: data is an alert record that is parsed. A label, else an annotation, else a field. */
void template_put_of_alert(const void *alert, const char *name, size_t length,
                           struct tcore_buf *out);

#endif
