# SPDX-License-Identifier: Apache-2.0
# U-Boot script: starts Viaduct and its guests from the partition that it was itself loaded from.
# docs/boot-u-boot.md says how to install it. Compile it with
#   mkimage -A arm64 -T script -C none -d boot.cmd boot.scr
# Everything that differs from board to board and from guest to guest is in viaduct.env beside it.
# (No `exit` and no `setexpr`: the one does nothing in some versions of U-Boot, the other is not in
# every board's. So a failure is kept in ${failed}, and addresses are written down, not computed.)

test -n "${prefix}" || setenv prefix /
setenv from "${devtype} ${devnum}:${distro_bootpart}"
setenv failed

# ${file} is loaded to ${at} and declared in ${node} as a module of ${kind}.
setenv m_load 'load ${from} ${at} ${prefix}${file} && setenv module ${node}/module${at} && fdt mknod ${node} module${at} && fdt set ${module} compatible "multiboot,${kind}" "multiboot,module" && fdt set ${module} reg <0x0 ${at} 0x0 0x${filesize}>'

setenv m_start 'load ${from} ${kernel_addr_r} ${prefix}viaduct.env && env import -t ${kernel_addr_r} ${filesize} && load ${from} ${viaduct_at} ${prefix}viaduct'
# The board's device tree: a file, or the one that U-Boot itself uses (QEMU's is 1 MiB long).
setenv m_tree_file 'load ${from} ${tree_at} ${prefix}${tree} && fdt addr ${tree_at} && fdt resize 10000'
setenv m_tree_own 'fdt addr ${fdtcontroladdr} && fdt move ${fdtcontroladdr} ${tree_at} 180000'
setenv m_chosen 'fdt set /chosen "#address-cells" <0x2> && fdt set /chosen "#size-cells" <0x2>'

setenv m_guest 'setenv node /chosen/${guest} && fdt mknod /chosen ${guest} && fdt set ${node} compatible "xen,domain" && fdt set ${node} "#address-cells" <0x2> && fdt set ${node} "#size-cells" <0x2> && fdt set ${node} cpus <${cpus}> && fdt set ${node} memory <0x0 ${memory}> && fdt set ${node} vpl011 <0x1>'
setenv m_kernel 'setenv kind kernel && setenv file ${kernel} && setenv at ${kernel_at} && run m_load && fdt set ${module} bootargs "${args}"'
setenv m_ramdisk 'setenv kind ramdisk && setenv file ${ramdisk} && setenv at ${ramdisk_at} && run m_load'
setenv m_vpci 'fdt mknod ${node} vpci && fdt set ${node}/vpci compatible "viaduct,vpci"'
setenv m_device 'fdt mknod ${node}/vpci ${device} && fdt set ${node}/vpci/${device} host "${host}"'

if run m_start; then
	if test -n "${tree}"; then run m_tree_file || setenv failed tree; else run m_tree_own || setenv failed tree; fi
	test -n "${failed}" || run m_chosen || setenv failed tree
else
	setenv failed viaduct
fi
test -z "${failed}" || setenv guests
for i in ${guests}; do
	setenv guest ${i}
	# ${kernel} becomes the value of ${NAME_kernel}, and so on.
	for j in cpus memory kernel kernel_at ramdisk ramdisk_at args devices; do
		setenv take setenv ${j} \${${i}_${j}}
		run take
	done
	run m_guest || setenv failed ${failed} ${i}
	run m_kernel || setenv failed ${failed} ${i}
	if test -n "${ramdisk}"; then run m_ramdisk || setenv failed ${failed} ${i}; fi
	if test -n "${devices}"; then run m_vpci || setenv failed ${failed} ${i}; fi
	for k in ${devices}; do
		setenv device ${k}
		setenv take setenv host \${${i}_${k}}
		run take
		run m_device || setenv failed ${failed} ${i}
	done
done
if test -n "${failed}"; then
	echo "boot.scr: Viaduct is not started, because of: ${failed}"
else
	booti ${viaduct_at} - ${tree_at}
fi
