/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Key pairs: their text, and what follows from a private half. */
#include "store/key.h"

#include "base/sys.h"
#include "store/key_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define BASE64_LENGTH 44   /* of 32 bytes */
#define FILE_BYTES    4096 /* no key file is longer */

static const char *const private_words[] = {"tracecore secret key 1 ", "tracecore signing key 1 "};
static const char *const public_words[] = {"tracecore public key 1 ", "tracecore verifying key 1 "};
static const char *const kind_names[] = {"secret key", "signing key"};
static const char *const public_names[] = {"public key", "verifying key"};

static void put_fingerprint(const struct tcore_sodium *sodium, enum tcore_key_kind kind,
                            const unsigned char *public_bytes, char *fingerprint)
{
    unsigned char text[64], hash[(TCORE_FINGERPRINT_BYTES - 1) / 2];
    size_t words = strlen(public_words[kind]) - 1;

    memcpy(text, public_words[kind], words);
    memcpy(text + words, public_bytes, TCORE_KEY_BYTES);
    sodium->hash(hash, sizeof hash, text, words + TCORE_KEY_BYTES, NULL, 0);
    tcore_put_hex(fingerprint, hash, sizeof hash);
}

/* From secret to all else. */
static enum tcore_status complete(const struct tcore_sodium *sodium, struct tcore_private_key *key,
                                  struct tcore_error *err)
{
    int failed = key->kind == TCORE_KEY_SEALING
                     ? sodium->box_public(key->public_bytes, key->secret)
                     : sodium->sign_keys(key->public_bytes, key->signing, key->secret);
    if (failed)
        return tcore_error_set(err, TCORE_BAD_INPUT, "this is no usable %s", kind_names[key->kind]);
    put_fingerprint(sodium, key->kind, key->public_bytes, key->fingerprint);
    return TCORE_OK;
}

void tcore_private_key_free(struct tcore_private_key *key)
{
    /* who has a key has the library */
    if (key)
        tcore_secret_free(tcore_sodium_open(NULL), key);
}

enum tcore_status tcore_private_key_new(struct tcore_private_key **key, enum tcore_key_kind kind,
                                        struct tcore_error *err)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(err);
    enum tcore_status status;

    *key = NULL;
    if (!sodium)
        return TCORE_FATAL;
    struct tcore_private_key *made = tcore_secret_alloc(sodium, sizeof *made);
    if (!made)
        return tcore_error_nomem(err);
    made->kind = kind;
    if (tcore_sys()->random(made->secret, sizeof made->secret) != 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "no randomness for a key");
    else
        status = complete(sodium, made, err);
    if (status != TCORE_OK) {
        tcore_private_key_free(made);
        return status;
    }
    *key = made;
    return TCORE_OK;
}

/* The 32 bytes of exactly so many characters of base64. */
static bool decode(const struct tcore_sodium *sodium, const char *text, size_t length,
                   unsigned char *bytes)
{
    size_t got = 0;
    const char *end = NULL;

    return length == BASE64_LENGTH &&
           sodium->base642bin(bytes, TCORE_KEY_BYTES, text, length, NULL, &got, &end,
                              SODIUM_BASE64) == 0 &&
           got == TCORE_KEY_BYTES && end == text + length;
}

/* Takes the words away from the front, one newline from the end. */
static bool strip(const char **text, size_t *length, const char *words)
{
    size_t count = strlen(words);

    if (*length < count || memcmp(*text, words, count) != 0)
        return false;
    *text += count;
    *length -= count;
    if (*length && (*text)[*length - 1] == '\n')
        --*length;
    return true;
}

/* --- Files */

/* Opens a key file without waiting for whoever writes into a pipe of that name. */
static enum tcore_status open_file(int dirfd, const char *path, int *fd, struct tcore_error *err)
{
    *fd = tcore_sys()->openat(dirfd, path,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (*fd >= 0)
        return TCORE_OK;
    if (errno == ELOOP)
        return tcore_error_set(err, TCORE_BAD_INPUT, "%s is a symbolic link", path);
    return tcore_error_errno(err, TCORE_BAD_INPUT, errno, "cannot read %s", path);
}

/* Reads to the end, or to the limit. */
static enum tcore_status read_all(int fd, const char *name, char *text, size_t *length,
                                  struct tcore_error *err)
{
    for (*length = 0; *length < FILE_BYTES;) {
        ssize_t got = tcore_read_some(fd, text + *length, FILE_BYTES - *length);
        if (got < 0)
            return tcore_error_errno(err, TCORE_FATAL, errno, "cannot read %s", name);
        if (!got)
            break;
        *length += (size_t)got;
    }
    return TCORE_OK;
}

/* Whether what is behind the descriptor is kept secret; by_name: it must be a file. */
static enum tcore_status check_private(int fd, const char *name, bool by_name,
                                       struct tcore_error *err)
{
    struct stat st;

    if (tcore_sys()->fstat(fd, &st) != 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot look at %s", name);
    if (!S_ISREG(st.st_mode))
        return by_name ? tcore_error_set(err, TCORE_BAD_INPUT, "%s is no regular file", name)
                       : TCORE_OK;
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return tcore_error_set(err, TCORE_BAD_INPUT, "%s belongs to another user", name);
    if (st.st_mode & 077)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "%s is open to group or others (mode %04o): chmod 600 it", name,
                               (unsigned)st.st_mode & 07777);
    return TCORE_OK;
}

static enum tcore_status parse_private(const struct tcore_sodium *sodium,
                                       struct tcore_private_key *key, const char *name,
                                       const char *text, size_t length, struct tcore_error *err)
{
    enum tcore_key_kind other =
        key->kind == TCORE_KEY_SEALING ? TCORE_KEY_SIGNING : TCORE_KEY_SEALING;
    const char *at = text;
    size_t left = length;

    if (strip(&at, &left, private_words[key->kind]))
        return decode(sodium, at, left, key->secret)
                   ? complete(sodium, key, err)
                   : tcore_error_set(err, TCORE_BAD_INPUT, "%s holds a damaged %s", name,
                                     kind_names[key->kind]);
    if (strip(&at, &left, private_words[other]))
        return tcore_error_set(err, TCORE_BAD_INPUT, "%s holds a %s where a %s is wanted", name,
                               kind_names[other], kind_names[key->kind]);
    for (size_t kind = 0; kind < 2; kind++)
        if (strip(&at, &left, public_words[kind]))
            return tcore_error_set(err, TCORE_BAD_INPUT, "%s holds a %s where a %s is wanted", name,
                                   public_names[kind], kind_names[key->kind]);
    return tcore_error_set(err, TCORE_BAD_INPUT, "%s holds no %s of tracecore", name,
                           kind_names[key->kind]);
}

static enum tcore_status read_private(struct tcore_private_key **key, enum tcore_key_kind kind,
                                      int fd, const char *name, bool by_name,
                                      struct tcore_error *err)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(err);
    enum tcore_status status = sodium ? check_private(fd, name, by_name, err) : TCORE_FATAL;
    size_t length = 0;

    if (status != TCORE_OK)
        return status;
    struct tcore_private_key *made = tcore_secret_alloc(sodium, sizeof *made);
    char *text = tcore_secret_alloc(sodium, FILE_BYTES);
    if (!made || !text) {
        status = tcore_error_nomem(err);
    } else {
        made->kind = kind;
        status = read_all(fd, name, text, &length, err);
    }
    if (status == TCORE_OK)
        status = parse_private(sodium, made, name, text, length, err);
    tcore_secret_free(sodium, text);
    if (status != TCORE_OK)
        tcore_secret_free(sodium, made);
    else
        *key = made;
    return status;
}

enum tcore_status tcore_private_key_read_fd(struct tcore_private_key **key,
                                            enum tcore_key_kind kind, int fd, const char *name,
                                            struct tcore_error *err)
{
    *key = NULL;
    return read_private(key, kind, fd, name, false, err);
}

enum tcore_status tcore_private_key_read(struct tcore_private_key **key, enum tcore_key_kind kind,
                                         int dirfd, const char *path, struct tcore_error *err)
{
    int fd;
    enum tcore_status status = open_file(dirfd, path, &fd, err);

    *key = NULL;
    if (status != TCORE_OK)
        return status;
    status = read_private(key, kind, fd, path, true, err);
    tcore_sys()->close(fd);
    return status;
}

/* Makes the file with the text in it; takes it away again if that fails. */
static enum tcore_status write_file(int dirfd, const char *path, mode_t mode, const char *text,
                                    size_t length, struct tcore_error *err)
{
    const struct tcore_sys *sys = tcore_sys();
    int fd = sys->openat(dirfd, path,
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, mode);
    if (fd < 0)
        return tcore_error_errno(err, errno == EEXIST ? TCORE_BAD_INPUT : TCORE_FATAL, errno,
                                 "cannot make %s", path);
    bool failed = tcore_write_all(fd, text, length) != 0 || sys->fsync(fd) != 0;
    int errnum = errno;
    if (sys->close(fd) != 0 && !failed) {
        failed = true;
        errnum = errno;
    }
    if (!failed)
        return TCORE_OK;
    (void)sys->unlinkat(dirfd, path, 0);
    return tcore_error_errno(err, TCORE_FATAL, errnum, "cannot write %s", path);
}

enum tcore_status tcore_private_key_write(const struct tcore_private_key *key, int dirfd,
                                          const char *path, struct tcore_error *err)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(err);
    char *text = sodium ? tcore_secret_alloc(sodium, 128) : NULL;

    if (!text)
        return sodium ? tcore_error_nomem(err) : TCORE_FATAL;
    size_t words = strlen(private_words[key->kind]);
    memcpy(text, private_words[key->kind], words);
    sodium->bin2base64(text + words, 128 - words, key->secret, sizeof key->secret, SODIUM_BASE64);
    size_t length = words + BASE64_LENGTH;
    text[length++] = '\n';
    enum tcore_status status = write_file(dirfd, path, 0600, text, length, err);
    tcore_secret_free(sodium, text);
    return status;
}

/* --- Public halves */

bool tcore_key_name_is_valid(const char *name, size_t length)
{
    if (!length || length > TCORE_KEY_NAME_BYTES)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '_' || c == '@' || c == '+' || c == '-';
        if (!fine)
            return false;
    }
    return true;
}

enum tcore_status tcore_private_key_public(const struct tcore_private_key *key, const char *name,
                                           struct tcore_public_key *public_key,
                                           struct tcore_error *err)
{
    if (!tcore_key_name_is_valid(name, strlen(name)))
        return tcore_error_set(
            err, TCORE_BAD_INPUT,
            "a key's name is 1 to 64 letters, digits, dots, hyphens and the characters _ @ +");
    *public_key = (struct tcore_public_key){.kind = key->kind};
    memcpy(public_key->bytes, key->public_bytes, sizeof public_key->bytes);
    memcpy(public_key->name, name, strlen(name));
    memcpy(public_key->fingerprint, key->fingerprint, sizeof public_key->fingerprint);
    return TCORE_OK;
}

enum tcore_status tcore_public_key_parse(struct tcore_public_key *key, enum tcore_key_kind kind,
                                         const char *text, size_t length, struct tcore_error *err)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(err);

    if (!sodium)
        return TCORE_FATAL;
    *key = (struct tcore_public_key){.kind = kind};
    if (!strip(&text, &length, public_words[kind]))
        return tcore_error_set(err, TCORE_BAD_INPUT, "no %s of tracecore", public_names[kind]);
    const char *blank = memchr(text, ' ', length);
    size_t name = blank ? (size_t)(blank - text) : length;
    if (!blank || !tcore_key_name_is_valid(text, name) ||
        !decode(sodium, blank + 1, length - name - 1, key->bytes))
        return tcore_error_set(err, TCORE_BAD_INPUT, "a damaged %s", public_names[kind]);
    memcpy(key->name, text, name);
    put_fingerprint(sodium, kind, key->bytes, key->fingerprint);
    return TCORE_OK;
}

enum tcore_status tcore_public_key_read(struct tcore_public_key *key, enum tcore_key_kind kind,
                                        int dirfd, const char *path, struct tcore_error *err)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(err);
    struct tcore_error why;
    size_t length = 0;
    int fd;
    enum tcore_status status = sodium ? open_file(dirfd, path, &fd, err) : TCORE_FATAL;

    if (status != TCORE_OK)
        return status;
    /* it may be a private key, by mistake */
    char *text = tcore_secret_alloc(sodium, FILE_BYTES);
    status = text ? read_all(fd, path, text, &length, err) : tcore_error_nomem(err);
    tcore_sys()->close(fd);
    if (status == TCORE_OK) {
        status = tcore_public_key_parse(key, kind, text, length, &why);
        if (status != TCORE_OK)
            tcore_error_set(err, status, "%s holds %s", path, why.text);
    }
    tcore_secret_free(sodium, text);
    return status;
}

enum tcore_status tcore_public_key_write(const struct tcore_public_key *key, int dirfd,
                                         const char *path, struct tcore_error *err)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(err);
    char text[256], base64[BASE64_LENGTH + 1];

    if (!sodium)
        return TCORE_FATAL;
    sodium->bin2base64(base64, sizeof base64, key->bytes, sizeof key->bytes, SODIUM_BASE64);
    int length =
        snprintf(text, sizeof text, "%s%s %s\n", public_words[key->kind], key->name, base64);
    return write_file(dirfd, path, 0644, text, (size_t)length, err);
}
