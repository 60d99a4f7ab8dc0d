.POSIX:
.SUFFIXES: .o .c .scd

VERSION = 0.1

PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
BASHDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR = $(PREFIX)/share/zsh/site-functions
FISHDIR = $(PREFIX)/share/fish/vendor_completions.d
# util-linux has an lsfd, gdb a pstack: PROGPREFIX=x installs xlsfd, xpstack ...
PROGPREFIX =

CC = cc
CFLAGS = -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Wmissing-prototypes
LDFLAGS =
SCDOC = scdoc
BATS = bats
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Icommon $(CPPFLAGS) $(CFLAGS)

NAMES = pstack lsfd fdpeer fdrecover fdprogress
TOOLS = cmd/pstack cmd/lsfd cmd/fdpeer cmd/fdrecover cmd/fdprogress
PAGES = man/pstack.1 man/lsfd.1 man/fdpeer.1 man/fdrecover.1 man/fdprogress.1 \
	man/proctools.7
HDR = cmd/cli.h common/buf.h common/desc.h common/guard.h common/kernel.h \
	common/meter.h common/num.h common/out.h common/parse_fdinfo.h \
	common/parse_maps.h common/parse_task.h common/proc.h common/sys.h \
	common/sysname.h common/walk.h
LIBOBJ = common/buf.o common/desc.o common/guard.o common/meter.o common/num.o \
	common/out.o common/parse_fdinfo.o common/parse_maps.o \
	common/parse_task.o common/proc.o common/sys.o common/sysname.o \
	common/walk.o
OBJ = $(LIBOBJ) cmd/cli.o cmd/pstack.o cmd/lsfd.o cmd/fdpeer.o cmd/fdrecover.o \
	cmd/fdprogress.o
LIB = common/libproctools.a
GENERATED = common/sysname_native.h common/sysname_compat.h
HELPERS = tests/hold tests/parse_test

all: $(TOOLS)

$(OBJ): $(HDR)

common/sysname.o: $(GENERATED)

$(LIB): $(LIBOBJ)
	rm -f $@
	$(AR) rc $@ $(LIBOBJ)

cmd/pstack: cmd/pstack.o cmd/cli.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ cmd/pstack.o cmd/cli.o $(LIB)

cmd/lsfd: cmd/lsfd.o cmd/cli.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ cmd/lsfd.o cmd/cli.o $(LIB)

cmd/fdpeer: cmd/fdpeer.o cmd/cli.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ cmd/fdpeer.o cmd/cli.o $(LIB)

cmd/fdrecover: cmd/fdrecover.o cmd/cli.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ cmd/fdrecover.o cmd/cli.o $(LIB)

cmd/fdprogress: cmd/fdprogress.o cmd/cli.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ cmd/fdprogress.o cmd/cli.o $(LIB)

tests/hold: tests/hold.c
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -pthread -o $@ tests/hold.c

tests/parse_test: tests/parse_test.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ tests/parse_test.o $(LIB)

.c.o:
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

.scd:
	$(SCDOC) <$< >$@

clean:
	rm -f $(TOOLS) $(OBJ) $(LIB) $(GENERATED) $(PAGES) $(HELPERS) \
		tests/parse_test.o
