/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which release of the library a program runs with. */
#ifndef TRACECORE_BASE_VERSION_H
#define TRACECORE_BASE_VERSION_H

/* "0.1.0", or "0.1.0-g1a2b3c4" for a build from a clone; a constant, never NULL. */
const char *tcore_version(void);

#endif
