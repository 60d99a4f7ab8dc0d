.POSIX:
.SUFFIXES: .o .c

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
AR = ar
CFLAGS = -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Wmissing-prototypes
LDFLAGS =
SCDOC = scdoc
BATS = bats
# "make fuzz": the compiler and the seconds
FUZZCC = clang
FUZZTIME = 60
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
	-DVERSION='"$(VERSION)"' -Icommon $(CPPFLAGS) $(CFLAGS)
LINK = $(CC) $(CFLAGS) $(LDFLAGS)

NAMES = pstack lsfd fdpeer fdrecover fdprogress
TOOLS = cmd/pstack cmd/lsfd cmd/fdpeer cmd/fdrecover cmd/fdprogress
PAGES = man/pstack.1 man/lsfd.1 man/fdpeer.1 man/fdrecover.1 man/fdprogress.1 \
	man/proctools.7
HDR = cmd/activity.h cmd/blocked.h cmd/bypath.h cmd/call.h cmd/cli.h \
	cmd/copy.h cmd/count.h cmd/deleted.h cmd/detail.h cmd/dot.h \
	cmd/follow.h cmd/gauge.h cmd/group.h cmd/once.h cmd/onmount.h \
	cmd/openfile.h cmd/pause.h cmd/peer.h cmd/peernet.h cmd/peersock.h \
	cmd/pick.h cmd/progress.h cmd/report.h cmd/restore.h cmd/row.h \
	cmd/sample.h cmd/select.h cmd/show.h cmd/target.h cmd/tasks.h \
	cmd/thread.h cmd/writers.h common/buf.h common/desc.h common/file.h \
	common/guard.h common/kernel.h common/maps.h common/memory.h \
	common/meter.h common/mount.h common/name.h common/num.h common/out.h \
	common/parse_diag.h common/parse_fdinfo.h common/parse_maps.h \
	common/parse_net.h common/parse_task.h common/proc.h common/sock.h \
	common/sockname.h common/socktab.h common/still.h common/sys.h \
	common/sysname.h common/walk.h
LIBOBJ = common/buf.o common/desc.o common/file.o common/guard.o \
	common/maps.o common/memory.o common/meter.o common/mount.o \
	common/name.o common/num.o common/out.o common/parse_diag.o \
	common/parse_fdinfo.o common/parse_maps.o common/parse_net.o \
	common/parse_task.o common/proc.o common/sock.o \
	common/sockname.o common/socktab.o common/still.o common/sys.o \
	common/sysname.o common/walk.o
OBJ = $(LIBOBJ) cmd/cli.o cmd/fdpeer.o cmd/fdrecover.o $(LSFD) $(PEER) \
	$(PROGRESS) $(RECOVER) $(STACK)
LSFD = cmd/lsfd.o cmd/count.o cmd/detail.o cmd/onmount.o cmd/row.o \
	cmd/select.o
PEER = cmd/blocked.o cmd/peer.o cmd/peeranon.o cmd/peerfile.o cmd/peerinet.o \
	cmd/peerkind.o cmd/peernet.o cmd/peerproof.o cmd/peerring.o \
	cmd/peerrow.o cmd/peersock.o cmd/peerwatch.o cmd/trace.o cmd/dot.o
PROGRESS = cmd/activity.o cmd/fdprogress.o cmd/follow.o cmd/gauge.o \
	cmd/holes.o cmd/judge.o cmd/once.o cmd/openfile.o cmd/pick.o cmd/report.o
RECOVER = cmd/bypath.o cmd/copy.o cmd/deleted.o cmd/pause.o cmd/progress.o \
	cmd/restore.o cmd/target.o cmd/writers.o
STACK = cmd/call.o cmd/group.o cmd/pstack.o cmd/sample.o cmd/show.o \
	cmd/tasks.o cmd/thread.o
LIB = common/libproctools.a
GENERATED = common/sysname_native.h common/sysname_compat.h
TESTOBJ = tests/parse_test.o tests/parse_fdinfo_test.o \
	tests/parse_net_test.o tests/desc_test.o tests/meter_test.o \
	tests/trace_test.o \
	tests/bench/guard.o tests/bench/scan.o tests/bench/floor.o \
	tests/fuzz/fuzz.o tests/fuzz/replay.o
HELPERS = tests/hold tests/parse_test tests/desc_test tests/pace \
	tests/meter_test tests/trace_test tests/fuzz/replay tests/refuse tests/churn \
	tests/fuse tests/victim

all: $(TOOLS) pages

$(OBJ) $(TESTOBJ): $(HDR)
$(TESTOBJ): tests/parse_test.h

# Another compiler or other options make everything anew; but what was built with
# them is what "make install" and "make check" without them take.
$(OBJ) $(TESTOBJ) $(GENERATED) tests/hold tests/pace tests/refuse tests/churn \
		tests/fuse tests/victim: common/flags

common/flags: always
	@case '$(MAKECMDGOALS)' in ''|all) ;; *) [ ! -e $@ ] || exit 0;; esac; \
	echo '$(CC) $(ALL_CFLAGS) $(LDFLAGS)' >$@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

always:

common/sysname.o: $(GENERATED)

# The names of system calls, from the headers of the compiler that is used. The
# 32-bit table has no names where the headers have none of it (musl).
common/sysname_native.h:
	printf '#include <sys/syscall.h>\n' | $(CC) $(ALL_CFLAGS) -E -dM - | \
	awk '/^#define SYS_[a-z0-9_]+ / { \
		print "\t{ " $$2 ", \"" substr($$2, 5) "\" },"; n++ \
	} END { exit !n }' >$@ || { rm -f $@; exit 1; }

common/sysname_compat.h:
	printf '#ifdef __x86_64__\n#include <asm/unistd_32.h>\n#endif\n' | \
	$(CC) $(ALL_CFLAGS) -E -dM - 2>/dev/null | \
	awk '/^#define __NR_[a-z0-9_]+ [0-9]+$$/ { \
		print "\t{ " $$3 ", \"" substr($$2, 6) "\" }," }' >$@

$(LIB): $(LIBOBJ)
	rm -f $@
	$(AR) rc $@ $(LIBOBJ)

cmd/pstack: $(STACK) cmd/cli.o $(LIB)
	$(LINK) -o $@ $(STACK) cmd/cli.o $(LIB)

cmd/lsfd: $(LSFD) cmd/cli.o $(LIB)
	$(LINK) -o $@ $(LSFD) cmd/cli.o $(LIB)

cmd/fdpeer: cmd/fdpeer.o $(PEER) cmd/cli.o $(LIB)
	$(LINK) -o $@ cmd/fdpeer.o $(PEER) cmd/cli.o $(LIB)

cmd/fdrecover: cmd/fdrecover.o cmd/cli.o $(RECOVER) $(LIB)
	$(LINK) -o $@ cmd/fdrecover.o cmd/cli.o $(RECOVER) $(LIB)

cmd/fdprogress: $(PROGRESS) cmd/cli.o $(LIB)
	$(LINK) -o $@ $(PROGRESS) cmd/cli.o $(LIB)

tests/hold: tests/hold.c tests/hold_object.c tests/hold_object.h \
		tests/hold_socket.c tests/hold_socket.h
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -pthread -o $@ tests/hold.c \
		tests/hold_object.c tests/hold_socket.c

tests/pace: tests/pace.c
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -pthread -o $@ tests/pace.c

tests/churn: tests/churn.c
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -pthread -o $@ tests/churn.c

tests/refuse: tests/refuse.c
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ tests/refuse.c

tests/fuse: tests/fuse.c
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ tests/fuse.c

tests/victim: tests/victim.c
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -pthread -o $@ tests/victim.c

tests/trace_test: tests/trace_test.o common/meter.o
	$(LINK) -o $@ tests/trace_test.o common/meter.o -lm

tests/meter_test: tests/meter_test.o common/meter.o
	$(LINK) -o $@ tests/meter_test.o common/meter.o

tests/parse_test: tests/parse_test.o tests/parse_fdinfo_test.o \
		tests/parse_net_test.o $(LIB)
	$(LINK) -o $@ tests/parse_test.o tests/parse_fdinfo_test.o \
		tests/parse_net_test.o $(LIB)

tests/desc_test: tests/desc_test.o $(LIB)
	$(LINK) -Wl,--wrap=proc_readlink,--wrap=proc_statx \
		-Wl,--wrap=proc_lstatx,--wrap=proc_read \
		-o $@ tests/desc_test.o $(LIB)

tests/fuzz/replay: tests/fuzz/replay.o tests/fuzz/fuzz.o $(LIB)
	$(LINK) -o $@ tests/fuzz/replay.o tests/fuzz/fuzz.o $(LIB)

tests/fuzz/fuzz: tests/fuzz/fuzz.c $(LIBOBJ:.o=.c) $(HDR) $(GENERATED)
	$(FUZZCC) $(ALL_CFLAGS) -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ tests/fuzz/fuzz.c \
		$(LIBOBJ:.o=.c)

tests/bench/floor: tests/bench/floor.o
	$(LINK) -o $@ tests/bench/floor.o

tests/bench/scan: tests/bench/scan.o $(LIB)
	$(LINK) -o $@ tests/bench/scan.o $(LIB)

tests/bench/guard: tests/bench/guard.o $(LIB)
	$(LINK) -o $@ tests/bench/guard.o $(LIB)

.c.o:
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Not a rule for each page, so that a missing scdoc is said once.
pages:
	@command -v $(SCDOC) >/dev/null || { \
		echo 'no $(SCDOC): the manual pages are left out'; exit 0; }; \
	for p in $(PAGES); do \
		[ $$p -nt $$p.scd ] && continue; \
		echo '$(SCDOC)' "<$$p.scd >$$p"; \
		$(SCDOC) <$$p.scd >$$p || { rm -f $$p; exit 1; }; \
	done

check: all $(HELPERS)
	@BATS='$(BATS)' tests/run

demo: $(TOOLS)
	@tests/demo.sh

bench: $(TOOLS) tests/bench/guard tests/bench/scan tests/bench/floor \
		tests/hold
	@tests/bench/guard cmd/lsfd
	@bash tests/bench/lsfd cmd/lsfd tests/hold
	@bash tests/bench/pstack cmd/pstack tests/hold
	@bash tests/bench/socket cmd/lsfd tests/hold
	@bash tests/bench/socket cmd/fdpeer tests/hold
	@bash tests/bench/fdpeer cmd/fdpeer tests/hold
	@bash tests/bench/fdrecover cmd/fdrecover tests/hold
	@bash tests/bench/fdprogress cmd/fdprogress

# What is found is kept, and gone on from, in tests/fuzz/found.
fuzz: tests/fuzz/fuzz
	@mkdir -p tests/fuzz/found
	tests/fuzz/fuzz -max_total_time=$(FUZZTIME) -max_len=4096 -verbosity=0 \
		-print_final_stats=1 -artifact_prefix=tests/fuzz/ \
		tests/fuzz/found tests/fuzz/corpus

# A tool's name as a word, in a page also behind a change of font; and the name
# of the page that they share.
WORD = s/(^|\\f[BIR]|[^[:alnum:]_.\/-])(pstack|lsfd|fdpeer|fdrecover|fdprogress)([^[:alnum:]_]|$$)/\1$(PROGPREFIX)\2\3/g
PAGE = s/(^|\\fB|")proctools("|\\fR\(7\)| - )/\1$(PROGPREFIX)proctools\2/g
# WORD twice: between two words there may be one byte only.
RENAME = sed -E -e '$(WORD)' -e '$(WORD)' -e '$(PAGE)'

install: all
	umask 022; set -e; \
	bin='$(DESTDIR)$(BINDIR)' man='$(DESTDIR)$(MANDIR)' \
	bash='$(DESTDIR)$(BASHDIR)' zsh='$(DESTDIR)$(ZSHDIR)' \
	fish='$(DESTDIR)$(FISHDIR)' x='$(PROGPREFIX)'; \
	mkdir -p "$$bin" "$$man/man1" "$$man/man7" "$$bash" "$$zsh" "$$fish"; \
	for t in $(NAMES); do \
		install -m 755 cmd/$$t "$$bin/$$x$$t"; \
		$(RENAME) completions/bash/$$t >"$$bash/$$x$$t"; \
		$(RENAME) completions/zsh/_$$t >"$$zsh/_$$x$$t"; \
		$(RENAME) completions/fish/$$t.fish >"$$fish/$$x$$t.fish"; \
	done; \
	for p in $(PAGES); do \
		[ ! -e $$p ] || $(RENAME) $$p \
			>"$$man/man$${p##*.}/$$x$${p#man/}"; \
	done

uninstall:
	for t in $(NAMES); do \
		rm -f '$(DESTDIR)$(BINDIR)/$(PROGPREFIX)'$$t \
			'$(DESTDIR)$(BASHDIR)/$(PROGPREFIX)'$$t \
			'$(DESTDIR)$(ZSHDIR)/_$(PROGPREFIX)'$$t \
			'$(DESTDIR)$(FISHDIR)/$(PROGPREFIX)'$$t.fish; \
	done
	for p in $(PAGES); do \
		rm -f '$(DESTDIR)$(MANDIR)/man'$${p##*.}'/$(PROGPREFIX)'$${p#man/}; \
	done

clean:
	rm -f $(TOOLS) $(OBJ) $(LIB) $(GENERATED) $(PAGES) $(HELPERS) \
		$(TESTOBJ) tests/bench/guard tests/bench/scan \
		tests/bench/floor tests/fuzz/fuzz common/flags
	rm -rf tests/fuzz/found

.PHONY: all always pages check demo bench fuzz install uninstall clean
