#!/bin/sh
# Print the version. A distribution tarball carries it in .tarball-version; a clone takes it from
# the newest v* tag (0.1.0.5-1a2b3c4 is five commits after v0.1.0); a clone without tags adds its
# commit to the number below (0.1.0-g1a2b3c4); without git that number is all there is.
number=0.1.0

cd "$(dirname "$0")" || exit 1
if [ -e .tarball-version ]; then
    cat .tarball-version
elif [ ! -e .git ]; then
    echo "$number"
elif tag=$(git describe --match 'v[0-9]*' 2>/dev/null); then
    echo "$tag" | sed 's/^v//; s/-\([0-9]*\)-g\([0-9a-f]*\)$/.\1-\2/'
elif commit=$(git rev-parse --short HEAD 2>/dev/null); then
    echo "$number-g$commit"
else
    echo "$number"
fi
