/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/listen/tls.h"

#ifdef HAVE_GNUTLS

#include "base/dl.h"
#include "base/sys.h"

#include <gnutls/gnutls.h>
#include <string.h>

struct listen_tls {
    gnutls_certificate_credentials_t credentials;
    bool wants_certificate; /* of the client */
    unsigned references;    /* atomic */
};

static struct {
    __typeof__(&gnutls_certificate_allocate_credentials) allocate;
    __typeof__(&gnutls_certificate_free_credentials) free;
    __typeof__(&gnutls_certificate_set_x509_key_mem) set_key;
    __typeof__(&gnutls_certificate_set_x509_trust_mem) set_trust;
    __typeof__(&gnutls_credentials_set) set_credentials;
    __typeof__(&gnutls_certificate_server_set_request) request_certificate;
    __typeof__(&gnutls_session_set_verify_cert) verify_certificate;
    __typeof__(&gnutls_strerror) error_text;
} gnutls;

#define SYMBOL(member, name)                                                                       \
    {                                                                                              \
        name, (size_t)((char *)&gnutls.member - (char *)&gnutls)                                   \
    }

static enum tcore_status open_gnutls(struct tcore_error *err)
{
    const struct tcore_dl_symbol symbols[] = {
        SYMBOL(allocate, "gnutls_certificate_allocate_credentials"),
        SYMBOL(free, "gnutls_certificate_free_credentials"),
        SYMBOL(set_key, "gnutls_certificate_set_x509_key_mem"),
        SYMBOL(set_trust, "gnutls_certificate_set_x509_trust_mem"),
        SYMBOL(set_credentials, "gnutls_credentials_set"),
        SYMBOL(request_certificate, "gnutls_certificate_server_set_request"),
        SYMBOL(verify_certificate, "gnutls_session_set_verify_cert"),
        SYMBOL(error_text, "gnutls_strerror"),
    };
    return tcore_dl_open(TCORE_SONAME_GNUTLS, "libgnutls30", symbols,
                         sizeof symbols / sizeof *symbols, &gnutls, err);
}

static gnutls_datum_t datum_of(const char *text)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

static enum tcore_status load(struct listen_tls *tls, const char *certificate, const char *key,
                              const char *client_authorities, struct tcore_error *err)
{
    const gnutls_datum_t chain = datum_of(certificate), own = datum_of(key);
    int result = gnutls.set_key(tls->credentials, &chain, &own, GNUTLS_X509_FMT_PEM);
    if (result < 0)
        return tcore_error_set(err, TCORE_FATAL, "the certificate and its key: %s",
                               gnutls.error_text(result));
    if (!client_authorities)
        return TCORE_OK;
    const gnutls_datum_t trusted = datum_of(client_authorities);
    result = gnutls.set_trust(tls->credentials, &trusted, GNUTLS_X509_FMT_PEM);
    tls->wants_certificate = true;
    if (result > 0)
        return TCORE_OK;
    return tcore_error_set(err, TCORE_FATAL, "the authorities of clients: %s",
                           result ? gnutls.error_text(result) : "there is no certificate");
}

enum tcore_status listen_tls_new(struct listen_tls **out, const char *certificate, const char *key,
                                 const char *client_authorities, struct tcore_error *err)
{
    *out = NULL;
    if (open_gnutls(err) != TCORE_OK)
        return TCORE_FATAL;
    struct listen_tls *tls = tcore_calloc(1, sizeof *tls);
    if (!tls || gnutls.allocate(&tls->credentials) < 0) {
        tcore_free(tls);
        return tcore_error_nomem(err);
    }
    tls->references = 1;
    if (load(tls, certificate, key, client_authorities, err) != TCORE_OK) {
        listen_tls_drop(tls);
        return TCORE_FATAL;
    }
    *out = tls;
    return TCORE_OK;
}

struct listen_tls *listen_tls_take(struct listen_tls *tls)
{
    if (tls)
        __atomic_add_fetch(&tls->references, 1, __ATOMIC_RELAXED);
    return tls;
}

void listen_tls_drop(struct listen_tls *tls)
{
    if (!tls || __atomic_sub_fetch(&tls->references, 1, __ATOMIC_ACQ_REL))
        return;
    gnutls.free(tls->credentials);
    tcore_free(tls);
}

/* A client without a certificate that the authorities have signed does not get through the
 * handshake. */
void listen_tls_use(const struct listen_tls *tls, void *session)
{
    (void)gnutls.set_credentials(session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
    if (!tls->wants_certificate)
        return;
    gnutls.request_certificate(session, GNUTLS_CERT_REQUIRE);
    gnutls.verify_certificate(session, NULL, 0);
}

#else

enum tcore_status listen_tls_new(struct listen_tls **tls, const char *certificate, const char *key,
                                 const char *client_authorities, struct tcore_error *err)
{
    (void)certificate;
    (void)key;
    (void)client_authorities;
    *tls = NULL;
    return tcore_error_set(err, TCORE_FATAL,
                           "this tracecore was built without GnuTLS, which TLS needs: install "
                           "libgnutls28-dev and build it again");
}

struct listen_tls *listen_tls_take(struct listen_tls *tls)
{
    return tls;
}

void listen_tls_drop(struct listen_tls *tls)
{
    (void)tls;
}

void listen_tls_use(const struct listen_tls *tls, void *session)
{
    (void)tls;
    (void)session;
}

#endif
