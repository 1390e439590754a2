/* SPDX-License-Identifier: Apache-2.0 */
/* PrimeCell Real Time Clock (PL031), DDI 0224C, issue C, 2006. */
#ifndef SPEC_PL031_H
#define SPEC_PL031_H

#define PL031_DR   0x000 /* ro, seconds: §3.3.1 */
#define PL031_MR   0x004 /* match */
#define PL031_LR   0x008 /* load */
#define PL031_CR   0x00c /* once started, until a reset: §3.3.4 */
#define PL031_IMSC 0x010 /* one bit, as in the next three */
#define PL031_RIS  0x014 /* ro */
#define PL031_MIS  0x018 /* ro */
#define PL031_ICR  0x01c /* wo */
#define PL031_ID   0xfe0 /* PeriphID0..3, PCellID0..3, one byte a word: §3.3.9 */

#define PL031_CR_START 1U
#define PL031_INT      1U

#endif
