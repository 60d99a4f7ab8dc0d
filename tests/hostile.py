#!/usr/bin/env python3
"""hostile - read back what the tools print of a process with hostile names

usage: hostile.py PID [NAME]... <COMMANDS

Each line of standard input is a number and a command: in each of its formats it
must have so many records of the process with descriptors of 100 and more (-: at
least one, and as many in each), and each record must be what the kernel says
itself. Of a socket it does not tell the path: these are the NAMEs, of 100, 101
and so on. The quoting is undone by code of its own.
"""
import json
import os
import re
import subprocess
import sys

MARK = b' (deleted)'


def kernel(pid, fd):
    """The name of a descriptor without the mark, and whether it is deleted."""
    path = '/proc/%d/fd/%d' % (pid, fd)
    name = os.readlink(path.encode())
    deleted = os.stat(path).st_nlink == 0 and name.startswith(b'/')
    if name.startswith(b'socket:') and fd - 100 < len(sys.argv) - 2:
        name = os.fsencode(sys.argv[fd - 98])
    if name.startswith(b'/memfd:'):
        deleted = False
        name = name[:-len(MARK)]
    elif deleted:
        assert name.endswith(MARK), name
        name = name[:-len(MARK)]
    return name, deleted


def unquote(text):
    assert not re.search(rb'\\(?![0-3][0-7][0-7])', text), text
    return re.sub(rb'\\([0-7]{3})', lambda m: bytes([int(m[1], 8)]), text)


def safe(text):
    """No control character, nothing that is not UTF-8."""
    for c in text.decode('utf-8'):
        assert not (ord(c) < 32 or 127 <= ord(c) < 160), text


def unname(text):
    """A NAME of text to the name and whether it bears the mark."""
    deleted = text.endswith(MARK)
    return unquote(text[:-len(MARK)] if deleted else text), deleted


def run(words, option):
    p = subprocess.run(words[:1] + option + words[1:], capture_output=True)
    safe(p.stderr.replace(b'\n', b''))
    # root may be refused some, and a job that rests is said to
    assert p.stdout and p.returncode in (0, 3), (words, p)
    return p.stdout


def records(words):
    """(command, fd, name, deleted) of each record, in each format."""
    lines = run(words, []).split(b'\n')
    assert lines.pop() == b''
    headings = lines[0].decode().split()
    at = headings.index
    n = len(headings)
    text = []
    for line in lines[1:]:
        safe(line)
        # one blank stands before NAME, where the column before it is full
        m = re.match(rb'((?:[^ ]+ +){%d}[^ ]+)%s(.*)$' %
                     (n - 2, rb' +' if words[0] == 'fdpeer' else b' '), line)
        text.append((m[1].split() + [m[2]], unquote))
    tabs = run(words, ['-H']).split(b'\n')
    assert tabs.pop() == b''
    for line in tabs:
        safe(line.replace(b'\t', b''))
        assert line.count(b'\t') == n - 1, line
    nuls = run(words, ['-0']).split(b'\0')
    assert nuls.pop() == b''
    found = {
        'text': [f for f, _ in text],
        'tab': [line.split(b'\t') for line in tabs],
        'nul': [line.split(b'\t', n - 1) for line in nuls],
    }
    for how, rows in found.items():
        out = []
        for f in rows:
            name, deleted = (f[-1], None) if how == 'nul' else unname(f[-1])
            fd = f[at('FD')].decode()
            out.append((int(f[0]), unquote(f[at('COMMAND')]),
                        int(fd) if fd.isdigit() else fd, name, deleted))
        found[how] = out
    found['json'] = []
    lines = run(words, ['-J']).split(b'\n')
    assert lines.pop() == b''
    for line in lines:
        safe(line)
        r = json.loads(line)
        assert set(h.lower() for h in headings) <= set(r), r
        found['json'].append((r['pid'], os.fsencode(r['command']), r['fd'],
                              os.fsencode(r['name']), r.get('deleted')))
    return found


def check(pid, comm, want, words):
    for how, rows in records(words).items():
        rows = [r for r in rows if r[0] == pid and isinstance(r[2], int)
                and r[2] >= 100]
        if want == '-':
            want = len(rows)
        assert rows and len(rows) == int(want), (how, words, len(rows))
        for _, command, fd, name, deleted in rows:
            real, gone = kernel(pid, fd)
            assert command == comm, (how, command, comm)
            assert name == real, (how, fd, name, real)
            # all that fdrecover lists is deleted, and not marked
            assert deleted in (gone, None) or words[0] == 'fdrecover', \
                (how, fd, deleted)


def main():
    pid = int(sys.argv[1])
    with open('/proc/%d/comm' % pid, 'rb') as f:
        comm = f.read()[:-1]
    for line in sys.stdin:
        want, *words = line.split()
        check(pid, comm, want, words)


main()
