// The boundary as programs are linked with it: each function loads libHeadwayArrow.so, which the rest of this folder becomes (Package.swift), and
// passes its arguments on. A function of carrow.h without a line here is an undefined symbol for the linker; a line that differs does not compile.
// Elsewhere all of it is linked.
#if defined(__linux__)
#include "carrow.h"
#include "loading.h"

static loading_library arrow = {
    .file = "libHeadwayArrow.so",
    .name = "Apache Arrow",
    .remedy = HEADWAY_LIBRARY_REMEDY("pyarrow==26.*"),
};

int ca_load(void) { return loading_load(&arrow) ? 0 : 1; }
const char *ca_error(void) { return loading_error(&arrow, "ca_error"); }

#define LAZY(type, otherwise, name, parameters, arguments) LOADING_FUNCTION(arrow, otherwise, type, name, parameters, arguments)

LAZY(const char *, "none", ca_version, (void), ())
LAZY(int, 1, ca_open, (const char *path, int64_t batch_rows, ca_reader *out), (path, batch_rows, out))
LAZY(int64_t, 0, ca_rows, (ca_reader reader), (reader))
LAZY(int, 1, ca_next, (ca_reader reader, const ca_column **columns, int *column_count, int64_t *rows), (reader, columns, column_count, rows))
LAZY(int64_t, 0, ca_batch_bytes, (ca_reader reader), (reader))
LAZY(void, (void)0, ca_close, (ca_reader reader), (reader))
LAZY(int, 1, ca_inflater_open, (ca_inflater *out), (out))
LAZY(int, 1, ca_inflate,
    (ca_inflater inflater, const uint8_t *input, int64_t input_count, uint8_t *output, int64_t output_count, int64_t *read, int64_t *written,
     int *finished),
    (inflater, input, input_count, output, output_count, read, written, finished))
LAZY(int, 1, ca_inflater_restart, (ca_inflater inflater), (inflater))
LAZY(void, (void)0, ca_inflater_close, (ca_inflater inflater), (inflater))
#else
#include "carrow.h"

int ca_load(void) { return 0; }
#endif
