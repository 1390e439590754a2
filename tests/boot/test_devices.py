# SPDX-License-Identifier: Apache-2.0
"""More ways for a Linux guest to use its devices: other NICs."""
import viaduct_qemu as vq


def test_igb(server):
    """A NIC with ten MSI-X vectors, and named by its IDs."""
    machine = vq.Machine("igb", devices=vq.root_port(1, 1) + vq.nic("igb", "rp1"))
    guest = vq.linux("net", ["lspci", "net", "off"], "new", options=f"viaduct.url={server.url}", cpus=2,
                     devices=[vq.Device("nic", "pci:8086:10c9")])
    with machine.start([guest], timeout=150) as run:
        run.wait()
    assert run.result("net", "net-present")["driver"] == "igb"
    assert run.result("net", "net-ping")["received"] == "5"
    assert run.result("net", "net-fetch")["sha256"] == server.sha256
    assert run.ended_by_itself, run.tail()
