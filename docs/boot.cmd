# U-Boot script: starts Viaduct and its guests from the partition that it was itself loaded from.
# docs/boot-u-boot.md says how to install it. Compile it with
#   mkimage -A arm64 -T script -C none -d boot.cmd boot.scr
# What differs from board to board and from guest to guest is in viaduct.env beside it, NAME=VALUE.
# (No `exit`: in some versions of U-Boot it does nothing. So a failure is kept in ${failed}.)

test -n "${prefix}" || setenv prefix /
setenv from "${devtype} ${devnum}:${distro_bootpart}"
setenv failed

# Viaduct, the device tree, and the files behind each other, away from where U-Boot is.
setexpr ram ${kernel_addr_r} / 10000000
setexpr ram ${ram} * 10000000
setexpr hv ${ram} + 8000000
setexpr tree ${ram} + a000000
setexpr at ${ram} + c000000

# Loads ${file} and declares it in ${node} as a module of ${kind}; the next one begins 2 MiB aligned.
setenv m_load 'load ${from} ${at} ${prefix}${file} && setenv module ${node}/module0x${at} && fdt mknod ${node} module0x${at} && fdt set ${module} compatible "multiboot,${kind}" "multiboot,module" && fdt set ${module} reg <0x0 0x${at} 0x0 0x${filesize}> && setexpr at ${at} + ${filesize} && setexpr at ${at} / 200000 && setexpr at ${at} + 1 && setexpr at ${at} * 200000'

setenv m_start 'load ${from} ${at} ${prefix}viaduct.env && env import -t ${at} ${filesize} && load ${from} ${hv} ${prefix}viaduct && fdt addr ${fdtcontroladdr} && fdt move ${fdtcontroladdr} ${tree} 180000 && fdt set /chosen "#address-cells" <0x2> && fdt set /chosen "#size-cells" <0x2>'

setenv m_guest 'setenv node /chosen/${guest} && fdt mknod /chosen ${guest} && fdt set ${node} compatible "xen,domain" && fdt set ${node} "#address-cells" <0x2> && fdt set ${node} "#size-cells" <0x2> && fdt set ${node} cpus <${cpus}> && fdt set ${node} memory <0x0 ${memory}> && fdt set ${node} vpl011 <0x1> && setenv kind kernel && setenv file ${kernel} && run m_load && fdt set ${module} bootargs "${args}"'
setenv m_ramdisk 'setenv kind ramdisk && setenv file ${ramdisk} && run m_load'
setenv m_vpci 'fdt mknod ${node} vpci && fdt set ${node}/vpci compatible "viaduct,vpci"'
setenv m_device 'fdt mknod ${node}/vpci ${device} && fdt set ${node}/vpci/${device} host "${host}"'

run m_start || setenv failed start
for i in ${guests}; do
	setenv guest ${i}
	# ${kernel} becomes the value of ${NAME_kernel}, and so on.
	for j in cpus memory kernel ramdisk args devices; do
		setenv take setenv ${j} \${${i}_${j}}
		run take
	done
	run m_guest || setenv failed ${i}
	if test -n "${ramdisk}"; then run m_ramdisk || setenv failed ${i}; fi
	if test -n "${devices}"; then run m_vpci || setenv failed ${i}; fi
	for k in ${devices}; do
		setenv device ${k}
		setenv take setenv host \${${i}_${k}}
		run take
		run m_device || setenv failed ${i}
	done
done
if test -n "${failed}"; then
	echo "boot.scr: not started, because of: ${failed}"
else
	booti ${hv} - ${tree}
fi
