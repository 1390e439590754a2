"""More ways for a Linux guest to use its devices: reset, other NICs."""
import viaduct_qemu as vq


def disk_machine(name, disk, **more):
    return vq.Machine(name, devices=vq.root_port(1, 1) + vq.nvme(disk.path, "rp1"), **more)


def test_reset_of_a_guest_acts_as_off(work):
    """Until a guest can be restarted `reboot` leaves it off, says so once, and spares the other."""
    disk = vq.Disk(f"{work}/reset.img", 21)
    guests = [vq.linux("disk", ["disk", "cmd:reboot+-f"], cpus=2, devices=[vq.Device("nvme", "0000:00:01.0/00.0")]),
              vq.Guest("long", f"{vq.BUILD}/guests/idle.bin", memory_mib=32, bootargs="beats=300")]
    with disk_machine("reset", disk).start(guests, timeout=200) as run:
        run.wait()
    assert run.result("disk", "disk-read")["sha256"] == disk.sha256
    assert len([x for x in run.viaduct() if x.startswith("disk: reset requested")]) == 1, run.tail()
    assert "PAYLOAD idle: ok" in [line.strip() for line in run.guest("long")], run.tail("long")
    assert run.ended_by_itself, run.tail()


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
