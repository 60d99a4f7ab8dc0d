/* replay - give the fuzz target each of the files named, once */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
main(int argc, char **argv)
{
	enum { MOST = 1 << 20 };
	uint8_t *data = malloc(MOST);
	size_t n;
	FILE *f;
	int i;

	if (!data)
		err(2, NULL);
	for (i = 1; i < argc; i++) {
		if (!(f = fopen(argv[i], "rb")))
			err(2, "%s", argv[i]);
		n = fread(data, 1, MOST, f);
		if (ferror(f))
			err(2, "%s", argv[i]);
		fclose(f);
		/* said before, for it may end here */
		printf("%s\n", argv[i]);
		fflush(stdout);
		LLVMFuzzerTestOneInput(data, n);
	}
	free(data);
	return 0;
}
