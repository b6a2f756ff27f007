/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The version that the library reports, and that config.h has the SONAMEs to open libraries by. */
#include <config.h>

#include "base/version.h"
#include "tap.h"

int main(void)
{
    static const struct {
        const char *soname, *start;
    } libraries[] = {
        {TCORE_SONAME_ZSTD, "libzstd.so."},     {TCORE_SONAME_ARCHIVE, "libarchive.so."},
        {TCORE_SONAME_PCRE2, "libpcre2-8.so."}, {TCORE_SONAME_YAML, "libyaml-"},
        {TCORE_SONAME_ZLIB, "libz.so."},
    };

    is_str(tcore_version(), PACKAGE_VERSION, "the library's version is the package's");
    ok(strncmp(tcore_version(), "0.", 2) == 0, "the version is a number: %s", tcore_version());
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        ok(strncmp(libraries[i].soname, libraries[i].start, strlen(libraries[i].start)) == 0,
           "SONAME %s", libraries[i].soname);
    return done_testing();
}
