/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What listen shows clients in a handshake, and wants to see: GnuTLS, opened on first use. A
 * certificate is renewed while connections are open that began with the one before it, so each
 * connection refers to its own.
 */
#ifndef RECORD_LISTEN_TLS_H
#define RECORD_LISTEN_TLS_H

#include "base/error.h"

struct listen_tls;

/*
 * All PEM, and not needed any more afterwards. client_authorities: clients have to show a
 * certificate that one of these has signed; NULL: they need none. TCORE_FATAL: the library is
 * missing, or these are no certificates, or not the key of the first.
 */
enum tcore_status listen_tls_new(struct listen_tls **tls, const char *certificate, const char *key,
                                 const char *client_authorities, struct tcore_error *err);
/* One reference more; and one less, with the last of which it goes. NULL is fine. Any thread. */
struct listen_tls *listen_tls_take(struct listen_tls *tls);
void listen_tls_drop(struct listen_tls *tls);
/* Of a session of GnuTLS whose handshake has not begun: which must not outlive its reference. */
void listen_tls_use(const struct listen_tls *tls, void *session);

#endif
