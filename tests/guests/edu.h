/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's edu device (docs/specs/edu.rst): registers of BAR 0 that the payloads use. */
#ifndef EDU_H
#define EDU_H

#define EDU_ID      0x11e81234
#define EDU_STATUS  0x24
#define EDU_RAISE   0x60
#define EDU_ACK     0x64
#define EDU_SRC     0x80
#define EDU_DST     0x88
#define EDU_COUNT   0x90
#define EDU_COMMAND 0x98
#define EDU_BUFFER  0x40000 /* its 4 KiB of memory, as the DMA engine addresses it */

#endif
