# SPDX-License-Identifier: GPL-3.0-or-later
# contrib/cluster/trace-agg-slurm on three nodes made of namespaces (world says how).

load ../helper
load cluster

setup() {
    need_world sbatch slurmctld slurmd munged
}

@test 'Slurm: three nodes give what one machine does' {
    in_world slurm_healthy
}

@test 'Slurm: a node that is cut off in the middle changes nothing' {
    need_long
    in_world slurm_cut
}

@test 'Slurm: a node that loses its power in the middle changes nothing' {
    in_world slurm_killed
}

@test 'Slurm: a unit that fails each time is named, and there is no answer' {
    need_long
    run -0 "$top_srcdir/tests/cluster/world" slurm_missing "$BATS_TEST_TMPDIR"
    assert_line 'status 4, 0 bytes'
    assert_line 5 # attempts: three units, and two at the fourth one
    assert_line 'unit 0004 is missing'
}
