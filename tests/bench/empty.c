/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Does nothing: what any program costs to start. */
int main(void)
{
    return 0;
}
