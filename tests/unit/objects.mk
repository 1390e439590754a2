# What each unit test links: <name>_objs for tests/unit/test_<name>.c (host.c comes by itself).
s2_objs := common/s2.c common/pmem.c
dt_objs := common/dt.c
fmt_objs := common/fmt.c
console_objs := common/console.c common/fmt.c common/pmem.c drivers/serial/pl011.c common/mmio.c
vuart_objs := common/vuart.c common/pmem.c
