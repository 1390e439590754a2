# What each fuzz target links, as tests/unit/objects.mk: <name>_objs for tests/fuzz/fuzz_<name>.c
# (tests/host/host.c comes by itself). tests/fuzz/run reads this file.
