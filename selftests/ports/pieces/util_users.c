// SPDX-License-Identifier: GPL-2.0
/* Another file that has the functions of the header, and uses only one. */
#include "util.h"
#include "pieces.h"

VOID
PagesFree(
	IN PMDL Mdl OPTIONAL
	)
{
	if (Mdl != NULL)
		__FreePages(Mdl);
}
