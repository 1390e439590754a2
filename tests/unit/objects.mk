# What each unit test links: <name>_objs for tests/unit/test_<name>.c (host.c comes by itself).
s2_objs := common/s2.c common/pmem.c
dt_objs := common/dt.c
