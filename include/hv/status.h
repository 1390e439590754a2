/* SPDX-License-Identifier: Apache-2.0 */
/* Results of boot-time and configuration code. Guest actions use enum emul (hv/emul.h). */
#ifndef HV_STATUS_H
#define HV_STATUS_H

enum hv_status {
	HV_OK = 0,
	HV_EINVAL,    /* malformed input */
	HV_ENOENT,    /* not there */
	HV_ENOMEM,    /* a fixed limit or the memory is used up */
	HV_ECONFLICT, /* somebody else has it */
	HV_EUNSUPP,   /* the hardware or Viaduct cannot */
	HV_ETIMEOUT,  /* the hardware did not answer in time */
	HV_EAGAIN,    /* not yet */
};

#endif
