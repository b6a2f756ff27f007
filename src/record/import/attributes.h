/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Attributes put together from several places of a foreign document, written as one object. Of
 * those with the same key the last stays.
 */
#ifndef RECORD_IMPORT_ATTRIBUTES_H
#define RECORD_IMPORT_ATTRIBUTES_H

#include "record/import/json.h"

/* What a value is, where the format says it beside the value. */
enum import_form { IMPORT_AS_IS, IMPORT_INTEGER, IMPORT_DOUBLE, IMPORT_BOOLEAN, IMPORT_BINARY };

/* Appends the value at node; if it is not of that form, as it is. */
void import_put_value(struct import_job *job, struct tcore_buf *out, uint32_t node,
                      enum import_form form);

/* Being out of memory shows in job->failed. */
void import_attributes_clear(struct import_job *job);
void import_attributes_add(struct import_job *job, struct tcore_slice key, uint32_t node,
                           enum import_form form);
/* Unless the key is there already. */
void import_attributes_add_new(struct import_job *job, const char *key, uint32_t node,
                               enum import_form form);
/* Appends label and the object, or nothing if there are no attributes; counts what was replaced. */
void import_attributes_put(struct import_job *job, struct tcore_buf *out, const char *label);

#endif
