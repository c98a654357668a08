/* SPDX-License-Identifier: GPL-2.0 */
/* A client for the verifier to watch: what the device's memory adds to it. */
#ifndef RPT_VERIFIER_H
#define RPT_VERIFIER_H

void *rptv_allocate_adapter(void);
void rptv_put_adapter(void *adapter);
void *rptv_allocate_common(void);
void rptv_free_common(void *buffer);
/* Writes a byte behind the common buffer that was allocated last. */
int rptv_overrun(void);

/* Without QEMU's edu there is no such memory. */
void rptv_find_device(void);
void rptv_leave_device(void);

#endif /* RPT_VERIFIER_H */
