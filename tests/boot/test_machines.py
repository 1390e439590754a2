# SPDX-License-Identifier: Apache-2.0
"""Machines of QEMU's other than virt: their GIC, firmware's calls, RAM and UART, with a guest that looks at them.

None of them has an SMMU that translates, so no guest gets a device.
"""
import viaduct_qemu as vq
from payloads import assert_ok, guest, payload_lines
from test_payload import assert_cpus

BOARDS = f"{vq.CACHE}/dtb"


def hello(machine, cpus):
    """Two guests: one tries interrupts, timer and its CPUs; the other beats beside it. The console hears and speaks."""
    guests = [guest("g", "hello", cpus=cpus), guest("beside", "idle", "beats=1000")]
    with machine.start(guests, timeout=120) as run:
        assert run.wait_line("^ok$|PAYLOAD hello: ok", "g"), run.tail()
        run.send("\x01l")
        assert run.wait_line(r"^viaduct: .*beside.*running", seconds=20), run.tail()
        assert run.wait_line("beat=5", "beside"), run.tail()
    lines = assert_ok(run, "g", "hello")
    assert_cpus(lines, cpus)
    assert "timer irqs=1 ok" in lines
    assert [x for x in payload_lines(run, "beside", "idle") if x.startswith("beat=")][:5] == \
        [f"beat={i}" for i in range(1, 6)]


def test_zcu102():
    """Cortex-A53, GIC-400, PSCI by SMC, Cadence UART."""
    hello(vq.Board("zcu102", "xlnx-zcu102,virtualization=on,secure=off", f"{BOARDS}/xilinx/zynqmp-zcu102-rev1.0.dtb",
                   smp=4), cpus=2)


def test_versal():
    """Cortex-A72, GICv3 with a security state, PSCI by SMC, PL011."""
    hello(vq.Board("versal", "xlnx-versal-virt", smp=4), cpus=1)     # QEMU's tree has two CPUs


def test_imx8mp():
    """Cortex-A53, GICv3 without ITS, i.MX UART; older QEMUs do not wire the virtual interrupts of this machine."""
    hello(vq.Board("imx8mp", "imx8mp-evk", f"{BOARDS}/freescale/imx8mp-evk.dtb", smp=4, serial=2,
                   qemu=vq.QEMUS["newer"]), cpus=2)
