/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt Translation Service: registers, tables, commands. LPI tables are set in the
 * redistributor, see spec/gicv3.h.
 * Arm Generic Interrupt Controller Architecture Specification, GIC architecture version 3 and
 * version 4, Arm IHI 0069H.b (ID041224), 2024. Commands: §5.3. Tables: §5.1, §5.2. ITS registers:
 * §12.19.
 *
 * Included by code that has BIT, BITS, FIELD (hv/bits.h) and REG32, REG64 (hv/mmio.h).
 */
#ifndef SPEC_ITS_H
#define SPEC_ITS_H

/* Offsets: the control frame, then at 64 KiB the translation frame. */
#define ITS_CTLR       0x0000 /* rw */
#define ITS_IIDR       0x0004 /* ro */
#define ITS_TYPER      0x0008 /* ro, 64 bit */
#define ITS_CBASER     0x0080 /* rw, 64 bit */
#define ITS_CWRITER    0x0088 /* rw, 64 bit */
#define ITS_CREADR     0x0090 /* ro, 64 bit */
#define ITS_BASER      0x0100 /* rw, 64 bit, eight of them */
#define ITS_BASERS     8
#define ITS_PIDR2      0xffe8 /* ro; 0x3b: GICv3 */
#define ITS_FRAME      0x10000
#define ITS_TRANSLATER 0x0040 /* wo, in the translation frame */

#define GITS_CTLR      REG32(ITS_CTLR)
#define GITS_TYPER     REG64(ITS_TYPER)
#define GITS_CBASER    REG64(ITS_CBASER)
#define GITS_CWRITER   REG64(ITS_CWRITER)
#define GITS_CREADR    REG64(ITS_CREADR)
#define GITS_BASER(n)  REG64(ITS_BASER + 8 * (n))
#define GITS_PIDR2     REG32(ITS_PIDR2)

#define CTLR_ENABLED   BIT(0)
#define CTLR_QUIESCENT BIT(31) /* ro */

#define TYPER_PHYSICAL BIT(0)
#define TYPER_ITT_SIZE BITS(7, 4)    /* bytes of an ITT entry, minus one */
#define TYPER_ID_BITS  BITS(12, 8)   /* EventID bits, minus one */
#define TYPER_DEV_BITS BITS(17, 13)  /* DeviceID bits, minus one */
#define TYPER_PTA      BIT(19)	     /* RDbase is an address, else a processor number */
#define TYPER_HCC      BITS(31, 24)  /* collections held in the ITS itself */
#define TYPER_CID_BITS BITS(35, 32)  /* collection ID bits, minus one, if CIL */
#define TYPER_CIL      BIT(36)

#define CBASER_VALID   BIT(63)
#define CBASER_INNER   BITS(61, 59)
#define CBASER_OUTER   BITS(55, 53)
#define CBASER_ADDR    BITS(51, 12)  /* 64 KiB aligned */
#define CBASER_SHARE   BITS(11, 10)
#define CBASER_SIZE    BITS(7, 0)    /* 4 KiB pages, minus one */

#define CWRITER_RETRY  BIT(0)
#define CREADR_STALLED BIT(0)
#define CQ_OFFSET      BITS(19, 5)   /* CWRITER, CREADR */

#define BASER_VALID    BIT(63)
#define BASER_INDIRECT BIT(62)
#define BASER_INNER    BITS(61, 59)
#define BASER_TYPE     BITS(58, 56)  /* ro */
#define   BASER_TYPE_DEVICE	1
#define   BASER_TYPE_COLLECTION 4
#define BASER_OUTER    BITS(55, 53)
#define BASER_ENTRY    BITS(52, 48)  /* ro: bytes of an entry, minus one */
#define BASER_ADDR     BITS(47, 12)
#define   BASER_ADDR_HI	BITS(15, 12) /* 64 KiB pages: address bits [51:48] */
#define BASER_SHARE    BITS(11, 10)
#define BASER_PAGE     BITS(9, 8)    /* 0: 4 KiB, 1: 16 KiB, 2: 64 KiB */
#define BASER_SIZE     BITS(7, 0)    /* pages, minus one */

/* Memory attributes of every table pointer. */
#define MEM_NC	       1 /* Normal non-cacheable */
#define MEM_RAWAWB     7 /* Normal write-back, read and write allocate */
#define SHARE_NONE     0
#define SHARE_INNER    1

#define L1_VALID       BIT(63)	     /* entry of a two-level table, §5.2.1 */

/* A byte of the LPI configuration table, §5.1.1. The table starts with INTID 8192. */
#define LPI_ENABLE     BIT(0)
#define LPI_RES1       BIT(1)
#define LPI_PRIORITY   BITS(7, 2)

/* Commands: four doublewords, §5.3. Fields carry the number of their doubleword. */
struct its_cmd {
	__UINT64_TYPE__ w[4]; /* this header includes nothing */
};

enum {
	ITS_CMD_MOVI = 0x01,
	ITS_CMD_INT = 0x03,
	ITS_CMD_CLEAR = 0x04,
	ITS_CMD_SYNC = 0x05,
	ITS_CMD_MAPD = 0x08,
	ITS_CMD_MAPC = 0x09,
	ITS_CMD_MAPTI = 0x0a,
	ITS_CMD_MAPI = 0x0b,
	ITS_CMD_INV = 0x0c,
	ITS_CMD_INVALL = 0x0d,
	ITS_CMD_MOVALL = 0x0e,
	ITS_CMD_DISCARD = 0x0f,
	ITS_CMD_KINDS = 0x10,
};

#define CMD0_KIND   BITS(7, 0)
#define CMD0_DEVICE BITS(63, 32)
#define CMD1_EVENT  BITS(31, 0)
#define CMD1_INTID  BITS(63, 32)
#define CMD1_SIZE   BITS(4, 0)	 /* MAPD: EventID bits, minus one */
#define CMD2_VALID  BIT(63)	 /* MAPD, MAPC */
#define CMD2_ITT    BITS(51, 8)	 /* MAPD */
#define CMD2_ICID   BITS(15, 0)
#define CMD2_RD	    BITS(51, 16) /* MAPC, SYNC, MOVALL's source: address [51:16] or number */
#define CMD3_RD	    BITS(51, 16) /* MOVALL's destination */

#endif
