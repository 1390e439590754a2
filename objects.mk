# Every source file, by layer. pure_src knows no machine; arch_src is EL2 on arm64.
pure_src := \
	common/dt.c \
	common/s2.c \

arch_src := \

