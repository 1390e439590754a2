/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest of gic_model.h with a virtual ITS: the real vITS on the real vGIC. It has RAM with a
 * command queue and a property table, devices 0 .. LPI_DEVICES - 1, and LPIs that are on.
 */
#ifndef LPI_WORLD_H
#define LPI_WORLD_H

#include <hv/vits.h>
#include <spec/its.h>

#include "gic_model.h"

#define LPI_ITS      0x02000000u
#define LPI_RAM      0x40000000u
#define LPI_RAM_SIZE (1u << 20)
#define LPI_PROPS    0x40010000u /* property table, all enabled at priority 0xa0 */
#define LPI_QUEUE    0x40020000u /* one page of commands */
#define LPI_DEVICES  3
#define LPI_EVENTS   8

extern uint8_t lpi_ram[LPI_RAM_SIZE];

/* vCPUs 0 .. n - 1 run, LPIs are on for each, collection n is vCPU n's. No device is mapped. */
void lpi_world_init(unsigned vcpus, unsigned lr_count);
/* Switches on the LPIs of a vCPU. */
void lpi_world_enable(unsigned vcpu);
/* The virtual ITS' own registers by a vCPU; the return to the guest is not part of it. */
uint64_t lpi_its_access(unsigned vcpu, uint64_t off, unsigned size, bool write, uint64_t value);
/* Writes a command to the queue; lpi_ring() has vCPU `vcpu` ask for all of them, in one trap. */
void lpi_put(struct its_cmd c);
void lpi_ring(unsigned vcpu);
/* The stop and the restart of the guest, as common/guest/life.c does them. */
void lpi_world_restart(unsigned vcpus);

/* Commands by what they name. */
struct its_cmd cmd_mapd(uint32_t dev, unsigned bits, bool valid);
struct its_cmd cmd_mapc(uint32_t icid, uint32_t vcpu, bool valid);
struct its_cmd cmd_mapti(uint32_t dev, uint32_t event, uint32_t vintid, uint32_t icid);
struct its_cmd cmd_movi(uint32_t dev, uint32_t event, uint32_t icid);
struct its_cmd cmd_movall(uint32_t from, uint32_t to);
struct its_cmd cmd_invall(uint32_t icid);
/* INT, CLEAR, DISCARD, INV. */
struct its_cmd cmd_event(unsigned kind, uint32_t dev, uint32_t event);

#endif
