#include <stdlib.h>
#include <string.h>

#include "parse_task.h"

const char *
parse_field(const char *text, const char *key)
{
	size_t n = strlen(key);
	const char *p;

	for (p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, key, n) == 0 && p[n] == ':') {
			p += n + 1;
			return p + strspn(p, " \t");
		}
		if (!*p)
			break;
	}
	return NULL;
}

/* The lines of status that are used. Each thread that a tool looks at has some
 * 60 lines, so they are gone through once. */
enum {
	STATE, TGID, PID, PPID, UID, NSPID, KTHREAD, VMSIZE, THREADS,
	VOLUNTARY, NOT, FIELDS
};
static const char *const status_keys[] = {
	[STATE] = "State:", [TGID] = "Tgid:", [PID] = "Pid:",
	[PPID] = "PPid:", [UID] = "Uid:", [NSPID] = "NSpid:",
	[KTHREAD] = "Kthread:", [VMSIZE] = "VmSize:",
	[THREADS] = "Threads:",
	[VOLUNTARY] = "voluntary_ctxt_switches:",
	[NOT] = "nonvoluntary_ctxt_switches:"
};

static void
find_fields(const char *p, const char *v[FIELDS])
{
	size_t n;
	int i;

	memset(v, 0, FIELDS * sizeof *v);
	for (; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		for (i = 0; i < FIELDS; i++) {
			if (*p != *status_keys[i] || v[i])
				continue;
			n = strlen(status_keys[i]);
			if (strncmp(p, status_keys[i], n) == 0)
				v[i] = p + n + strspn(p + n, " \t");
		}
	}
}

size_t
parse_name(const char *text, char *name, size_t size)
{
	size_t n = 0;

	if (strncmp(text, "Name:\t", 6) != 0)
		return 0;
	for (text += 6; *text && *text != '\n' && n < size; text++) {
		if (*text == '\\' && text[1] == 'n')
			name[n++] = '\n';
		else if (*text == '\\' && text[1] == '\\')
			name[n++] = '\\';
		else {
			name[n++] = *text;
			continue;
		}
		text++;
	}
	return n;
}

static long
number(const char *v)
{
	return v && *v >= '0' && *v <= '9' ? strtol(v, NULL, 10) : -1;
}

int
parse_status(const char *text, struct task_status *st)
{
	const char *v[FIELDS];
	char *end;

	find_fields(text, v);
	if (!v[STATE] || !*v[STATE])
		return -1;
	st->state = *v[STATE];
	st->tgid = (int)number(v[TGID]);
	st->pid = (int)number(v[PID]);
	if (st->tgid < 0 || st->pid < 0 || !v[UID])
		return -1;
	st->threads = v[THREADS] ? (int)number(v[THREADS]) : 0;
	st->ppid = v[PPID] ? (int)number(v[PPID]) : 0;
	strtoul(v[UID], &end, 10);
	st->euid = (unsigned)strtoul(end, NULL, 10);
	/* NSpid since Linux 4.1: one number for each namespace from the one of
	 * this procfs down to the task's own. */
	st->nspid = st->pid;
	if (v[NSPID]) {
		st->nspid = (int)strtol(v[NSPID], &end, 10);
		if (*end == '\t' || *end == ' ')
			st->nspid = -1;
	}
	/* Kthread since Linux 6.8. Before it: no address space, but alive. */
	if (v[KTHREAD])
		st->kthread = *v[KTHREAD] == '1';
	else
		st->kthread = !v[VMSIZE] && !strchr("ZX", st->state);
	st->switches = 0;
	if (v[VOLUNTARY])
		st->switches = strtoull(v[VOLUNTARY], NULL, 10);
	if (v[NOT])
		st->switches += strtoull(v[NOT], NULL, 10);
	return 0;
}

int
parse_stat(const char *text, struct task_stat *st)
{
	const char *p = strrchr(text, ')');
	char *end;
	int i;

	if (!p || p[1] != ' ' || !p[2])
		return -1;
	st->state = p[2];
	p += 3;
	st->ticks = st->faults = 0;
	st->exit_code = -1;
	/* state is field 3, tty_nr 7, flags 9, minflt 10, majflt 12, utime 14,
	 * stime 15, starttime 22, exit_code 52 (since Linux 3.5) */
	for (i = 4; i <= 52; i++) {
		if (i > 22 && *p != ' ')
			return 0;
		if (*p != ' ')
			return -1;
		if (i == 7)
			st->tty_nr = (int)strtol(p, NULL, 10);
		if (i == 9)
			st->flags = (unsigned)strtoul(p, NULL, 10);
		if (i == 10 || i == 12)
			st->faults += strtoull(p, NULL, 10);
		if (i == 14 || i == 15)
			st->ticks += strtoull(p, NULL, 10);
		if (i == 22)
			st->starttime = strtoull(p, NULL, 10);
		if (i == 52)
			st->exit_code = (int)strtol(p, NULL, 10);
		strtoll(p, &end, 10);
		if (end == p)
			return i > 22 ? 0 : -1;
		p = end;
	}
	return 0;
}

/* The mark of the end before 5.2: all bits of an address. */
static int
is_end(const char *s, size_t n)
{
	return n > 2 && strncmp(s, "0x", 2) == 0 &&
	    strspn(s + 2, "f") == n - 2;
}

int
parse_frame(const char **text, struct task_frame *f)
{
	const char *s = *text;

	while (*s) {
		size_t n = strcspn(s, "\n");
		const char *next = s + n + (s[n] == '\n');
		const char *p = memchr(s, '>', n);

		/* "[<0>] name+0x1/0x2 [module]" since 4.15; an address for the
		 * 0 before, and no prefix in some copies. */
		if (p && s[0] == '[' && p[1] == ']' && p[2] == ' ') {
			n -= (size_t)(p + 3 - s);
			s = p + 3;
		}
		if (n && !is_end(s, n)) {
			f->s = s;
			f->n = n;
			f->symbol = strcspn(s, "+ \n");
			*text = next;
			return 1;
		}
		s = next;
	}
	*text = s;
	return 0;
}

int
parse_syscall(const char *text, struct task_syscall *c)
{
	char *end;
	int i;

	memset(c, 0, sizeof *c);
	if (strncmp(text, "running", 7) == 0) {
		c->what = TASK_RUNNING;
		return 0;
	}
	c->nr = strtol(text, &end, 10);
	if (end == text)
		return -1;
	c->what = c->nr < 0 ? TASK_NO_CALL : TASK_CALL;
	for (i = 0; c->what == TASK_CALL && i < 6; i++) {
		text = end;
		c->args[i] = strtoull(text, &end, 16);
		if (end == text)
			return -1;
	}
	c->sp = strtoull(text = end, &end, 16);
	if (end == text)
		return -1;
	c->pc = strtoull(text = end, &end, 16);
	return end == text ? -1 : 0;
}

int
parse_compat(const struct task_syscall *c)
{
	return sizeof(long) == 8 && c->sp <= 0xffffffff;
}

int
parse_schedstat(const char *text, unsigned long long *ns)
{
	char *end;

	*ns = strtoull(text, &end, 10);
	return end == text || *end != ' ' ? -1 : 0;
}
