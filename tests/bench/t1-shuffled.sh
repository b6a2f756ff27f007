#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1 on records whose keys come in random order: no shape of a record can be learnt.
exec "$(dirname "$0")/t1.sh" shuffled
