#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Write a text file as a C string: embed.sh NAME FILE
set -eu
echo '/* Made by embed.sh: edit the file that it was made from. */'
echo "static const char $1[] ="
sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/?/\\?/g' -e 's/^/    "/' -e 's/$/\\n"/' "$2"
echo '    ;'
