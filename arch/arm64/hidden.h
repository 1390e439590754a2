/* SPDX-License-Identifier: Apache-2.0 */
/* Everything is linked into one image: no symbol needs the global offset table. */
#ifndef __ASSEMBLY__
#pragma GCC visibility push(hidden)
#endif
