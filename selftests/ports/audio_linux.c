// SPDX-License-Identifier: GPL-2.0
/*
 * What makes the streams of audio.c a module of Linux, and the process that plays: the
 * one that loads the module.
 */
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "edu_linux.h"
#include "audio.h"

/* Three pages in all. */
#define PERIOD	1024
#define PERIODS	12
/* So many are waited for; the rest of what is recorded stays empty. */
#define WANTED	5

static bool leak;
module_param(leak, bool, 0400);
MODULE_PARM_DESC(leak, "Leave the buffer of a stream behind");

static struct pci_dev *edu;
static PAUDIO_DEVICE audio;
static u8 played[PERIODS * PERIOD], recorded[PERIODS * PERIOD];

VOID AudioDelay(PAUDIO_DEVICE Device)
{
	msleep(20);
	local_bh_disable();
	AudioDpcForIsr(Device);
	local_bh_enable();
}

/* Writes and reads the buffers only where they are mapped into the process. */
static NTSTATUS process_plays(PAUDIO_STREAM out, PAUDIO_STREAM in)
{
	unsigned long end = jiffies + PORT_EDU_PATIENCE;
	NTSTATUS status;
	void *to, *from;
	unsigned int i;

	status = AudioMapBuffer(out, &to);
	if (NT_SUCCESS(status))
		status = AudioMapBuffer(in, &from);
	if (!NT_SUCCESS(status))
		return status;
	for (i = 0; i < sizeof(played); i++)
		played[i] = i * 7 + (i >> 8);
	if (copy_to_user((void __user __force *)to, played, sizeof(played)))
		return STATUS_ACCESS_VIOLATION;
	AudioRun(out);
	AudioRun(in);
	while (AudioGetPosition(in) < WANTED * PERIOD && time_before(jiffies, end))
		AudioDelay(audio);
	status = AudioStop(in);
	if (NT_SUCCESS(status))
		status = AudioStop(out);
	if (!NT_SUCCESS(status))
		return status;
	if (copy_from_user(recorded, (void __user __force *)from, sizeof(recorded)))
		return STATUS_ACCESS_VIOLATION;
	if (memcmp(recorded, played, WANTED * PERIOD) ||
	    memchr_inv(recorded + WANTED * PERIOD, 0, sizeof(recorded) - WANTED * PERIOD))
		return STATUS_DATA_ERROR;
	return STATUS_SUCCESS;
}

static NTSTATUS in_process(void)
{
	PAUDIO_STREAM out, in;
	NTSTATUS status;

	status = AudioOpenStream(audio, FALSE, PERIOD, PERIODS, &out);
	if (!NT_SUCCESS(status))
		return status;
	status = AudioOpenStream(audio, TRUE, PERIOD, PERIODS, &in);
	if (NT_SUCCESS(status)) {
		status = process_plays(out, in);
		AudioCloseStream(in);
	}
	AudioCloseStream(out);
	return status;
}

static int __init port_audio_init(void)
{
	PHYSICAL_ADDRESS registers;
	NTSTATUS status;

	edu = port_edu_get();
	if (!edu)
		return -ENODEV;
	registers.QuadPart = pci_resource_start(edu, 0);
	status = AudioStartDevice(&edu->dev, registers, pci_resource_len(edu, 0),
				  &audio);
	if (NT_SUCCESS(status)) {
		status = AudioExercise(audio, 60);
		if (NT_SUCCESS(status))
			status = in_process();
		if (NT_SUCCESS(status) && leak)
			status = AudioForgetBuffer(audio);
		if (!NT_SUCCESS(status))
			AudioRemoveDevice(audio);
	}
	if (!NT_SUCCESS(status)) {
		pr_err("port_audio: status %#x\n", status);
		port_edu_put(edu);
	}
	return rust_pool_status_to_errno(status);
}

static void __exit port_audio_exit(void)
{
	AudioRemoveDevice(audio);
	port_edu_put(edu);
}

module_init(port_audio_init);
module_exit(port_audio_exit);

MODULE_DESCRIPTION("rust_pool selftests: the streams of an audio device, ported");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
