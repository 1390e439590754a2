# SPDX-License-Identifier: Apache-2.0
# U-Boot script: starts Viaduct and its guests from the partition that it was itself loaded from.
# docs/boot-u-boot.md says how to install it. Compile it with
#   mkimage -A arm64 -T script -C none -d boot.cmd boot.scr
# Everything that differs from board to board and from guest to guest is in viaduct.env beside it.
# (No `exit` and no `setexpr`: the one does nothing in some versions of U-Boot, the other is not in
# every board's. So a failure is kept in ${failed}, and addresses are written down, not computed. `fdt
# mknod` puts a node before those that are there, so devices are added last one first: then they stand
# in the tree, and get their places in the guest, as viaduct.env names them. Guests need no such care:
# viaduct,order says how they are planned.)

test -n "${prefix}" || setenv prefix /
setenv from "${devtype} ${devnum}:${distro_bootpart}"
setenv failed

# ${file} is loaded to ${at} and declared in ${node} as a module of ${kind}.
setenv m_load 'load ${from} ${at} ${prefix}${file} && setenv module ${node}/module${at} && fdt mknod ${node} module${at} && fdt set ${module} compatible "multiboot,${kind}" "multiboot,module" && fdt set ${module} reg <0x0 ${at} 0x0 0x${filesize}>'

# -r: the file may come from an editor that ends lines with CR and LF.
setenv m_env 'load ${from} ${kernel_addr_r} ${prefix}viaduct.env && env import -t -r ${kernel_addr_r} ${filesize}'
setenv m_viaduct 'load ${from} ${viaduct_at} ${prefix}viaduct'
# The board's device tree: a file, or the one that U-Boot itself uses (QEMU's is 1 MiB long).
setenv m_tree_file 'load ${from} ${tree_at} ${prefix}${tree} && fdt addr ${tree_at} && fdt resize 10000'
setenv m_tree_own 'fdt addr ${fdtcontroladdr} && fdt move ${fdtcontroladdr} ${tree_at} 180000'
setenv m_epoch 'test -z "${epoch}" || fdt set /chosen viaduct,epoch <${epoch}>'
setenv m_chosen 'fdt set /chosen "#address-cells" <0x2> && fdt set /chosen "#size-cells" <0x2>'

setenv m_guest 'setenv node /chosen/${guest} && fdt mknod /chosen ${guest} && fdt set ${node} compatible "xen,domain" && fdt set ${node} "#address-cells" <0x2> && fdt set ${node} "#size-cells" <0x2> && fdt set ${node} cpus <${cpus}> && fdt set ${node} memory <0x0 ${memory}> && fdt set ${node} vpl011 <0x1>'
setenv m_kernel 'setenv kind kernel && setenv file ${kernel} && setenv at ${kernel_at} && run m_load && fdt set ${module} bootargs "${args}"'
setenv m_ramdisk 'setenv kind ramdisk && setenv file ${ramdisk} && setenv at ${ramdisk_at} && run m_load'
setenv m_vpci 'fdt mknod ${node} vpci && fdt set ${node}/vpci compatible "viaduct,vpci"'
# A guest that lacks something does not start, and does not stop the others.
setenv m_without 'echo "boot.scr: guest ${guest} is left out: ${wrong}"; setenv failed ${failed} ${guest}; fdt rm ${node}'
setenv m_device 'fdt mknod ${node}/vpci ${device} && fdt set ${node}/vpci/${device} host "${host}"'

if run m_env; then
	run m_viaduct || setenv failed "viaduct_at=${viaduct_at}: cannot load ${prefix}viaduct there"
else
	setenv failed "cannot load ${prefix}viaduct.env from ${from}"
fi
if test -z "${failed}"; then
	if test -n "${tree}"; then
		run m_tree_file || setenv failed "tree=${tree}: cannot load it to tree_at=${tree_at}"
	else
		run m_tree_own || setenv failed "tree_at=${tree_at}: cannot move the tree of U-Boot there"
	fi
	test -n "${failed}" || run m_epoch || setenv failed "epoch=${epoch} is no number of seconds"
	test -n "${failed}" || run m_chosen || setenv failed "the tree takes no properties in /chosen"
fi
if test -n "${failed}"; then
	echo "boot.scr: Viaduct is not started: ${failed}"
	setenv fatal 1
	setenv guests
else
	setenv fatal
fi

setenv started
for i in ${guests}; do
	setenv guest ${i}
	setenv wrong
	# ${kernel} becomes the value of ${NAME_kernel}, and so on.
	for j in cpus memory kernel kernel_at ramdisk ramdisk_at args devices; do
		setenv take setenv ${j} \${${i}_${j}}
		run take
	done
	run m_guest || setenv wrong "its node cannot be made; are ${i}_cpus=${cpus} and ${i}_memory=${memory} numbers?"
	test -n "${wrong}" || run m_kernel || setenv wrong "${i}_kernel=${kernel} cannot be loaded to ${i}_kernel_at=${kernel_at}"
	if test -n "${ramdisk}"; then
		test -n "${wrong}" || run m_ramdisk || setenv wrong "${i}_ramdisk=${ramdisk} cannot be loaded to ${i}_ramdisk_at=${ramdisk_at}"
	fi
	if test -n "${devices}"; then
		test -n "${wrong}" || run m_vpci || setenv wrong "its vpci node cannot be made"
	fi
	setenv devices_last_first
	for k in ${devices}; do setenv devices_last_first ${k} ${devices_last_first}; done
	for k in ${devices_last_first}; do
		setenv device ${k}
		setenv take setenv host \${${i}_${k}}
		run take
		test -n "${host}" || setenv wrong "${i}_devices names ${k}, and there is no ${i}_${k}"
		test -n "${wrong}" || run m_device || setenv wrong "its device ${k} cannot be declared"
	done
	if test -n "${wrong}"; then run m_without; else setenv started ${started} ${i}; fi
done
test -z "${started}" && test -z "${fatal}" && echo "boot.scr: Viaduct is not started: guests=${guests}: none of them is left"
if test -n "${failed}"; then
	# Long enough to be read: U-Boot goes on with its next boot medium, or the good guests start.
	echo "boot.scr: going on in 10 s; Ctrl-c for a prompt"
	sleep 10
fi
test -z "${started}" || fdt set /chosen viaduct,order ${started}
test -z "${started}" || booti ${viaduct_at} - ${tree_at}
