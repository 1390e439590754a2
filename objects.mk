# Every source file, by layer. pure_src knows no machine; arch_src is EL2 on arm64.
pure_src := \
	common/console.c \
	common/dt.c \
	common/fmt.c \
	common/log.c \
	common/mmio.c \
	common/s2.c \
	common/vuart.c \
	drivers/serial/pl011.c \
	drivers/serial/uart.c \

arch_src := \

