# SPDX-License-Identifier: Apache-2.0
# What each test of several threads links: <name>_threads for tests/threads/threads_<name>.c (host.c
# comes by itself). Its trace and log are for one thread: what threads share must not write there.
s2_threads := common/lib/s2.c common/lib/pmem.c
vlpi_threads := $(vlpi_objs) tests/threads/threads.c
