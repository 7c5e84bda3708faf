package doctor

import (
	"encoding/hex"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// The system calls that an init hangs in, by number; fd and path are the arguments that are one, -1 if none.
var calls = map[uint64]struct {
	name     string
	fd, path int
}{
	syscall.SYS_OPENAT:        {"openat", -1, 1},
	syscall.SYS_READ:          {"read", 0, -1},
	syscall.SYS_WRITE:         {"write", 0, -1},
	syscall.SYS_FLOCK:         {"flock", 0, -1},
	syscall.SYS_FCNTL:         {"fcntl", 0, -1},
	syscall.SYS_WAITID:        {"waitid", -1, -1},
	syscall.SYS_WAIT4:         {"wait4", -1, -1},
	syscall.SYS_CONNECT:       {"connect", 0, -1},
	syscall.SYS_ACCEPT4:       {"accept4", 0, -1},
	syscall.SYS_FUTEX:         {"futex (it waits for another thread)", -1, -1},
	syscall.SYS_NANOSLEEP:     {"nanosleep", -1, -1},
	syscall.SYS_EPOLL_PWAIT:   {"epoll_pwait", -1, -1},
	syscall.SYS_PPOLL:         {"ppoll", -1, -1},
	syscall.SYS_RECVFROM:      {"recvfrom", 0, -1},
	syscall.SYS_RT_SIGSUSPEND: {"rt_sigsuspend", -1, -1},
}

// askKernel reads /proc. What cannot be read is left out.
func askKernel(pid int) kernelView {
	folder := "/proc/" + strconv.Itoa(pid)
	k := kernelView{call: callOf(folder)}
	thread, _ := os.ReadFile(folder + "/syscall")
	k.runs = strings.TrimSpace(string(thread)) == "running"
	inodes := make(map[string]int)
	entries, _ := os.ReadDir(folder + "/fd")
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		name, linkErr := os.Readlink(folder + "/fd/" + entry.Name())
		if err != nil || linkErr != nil {
			continue
		}
		if inode, ok := strings.CutPrefix(name, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = fd
			continue
		}
		k.files = append(k.files, fileOf(folder, fd, name))
	}
	slices.SortFunc(k.files, func(a, b openFile) int { return a.fd - b.fd })
	k.sockets = socketsOf(folder, inodes)
	for _, child := range childrenOf(map[int]bool{pid: true}) {
		k.children = append(k.children, "process "+strconv.Itoa(child)+": "+commandOf(child))
	}
	k.locks = holdersOf(pid)
	return k
}

// callOf reads the system call of the main thread: number, arguments, stack pointer, program counter.
func callOf(folder string) call {
	c := call{fd: -1}
	text, err := os.ReadFile(folder + "/syscall")
	fields := strings.Fields(string(text))
	const least = 8
	if err != nil || len(fields) < least {
		return c // it runs, or may not be looked at
	}
	number, err := strconv.ParseUint(fields[0], 10, 64)
	if err != nil {
		return c
	}
	known, ok := calls[number]
	if !ok {
		c.name = "number " + fields[0]
		return c
	}
	c.name = known.name
	argument := func(n int) uint64 {
		v, _ := strconv.ParseUint(strings.TrimPrefix(fields[1+n], "0x"), 16, 64)
		return v
	}
	if known.fd >= 0 {
		c.fd = int(int32(argument(known.fd)))
	}
	if known.path >= 0 {
		c.path = pathAt(folder, argument(known.path))
	}
	return c
}

// pathAt reads a text that ends with a zero from the memory of a process.
func pathAt(folder string, at uint64) string {
	memory, err := os.Open(folder + "/mem")
	if err != nil {
		return ""
	}
	defer func() { _ = memory.Close() }() // it was only read
	buf := make([]byte, 0, syscall.PathMax)
	// A read that reaches into memory that is not mapped fails as a whole.
	const step = 64
	for len(buf)+step <= cap(buf) {
		part := buf[len(buf) : len(buf)+step]
		n, _ := memory.ReadAt(part, int64(at)+int64(len(buf)))
		if end := slices.Index(part[:n], 0); end >= 0 {
			return string(buf[:len(buf)+end])
		}
		if n < step {
			break
		}
		buf = buf[:len(buf)+step]
	}
	return ""
}

// fileOf says what a descriptor is of.
func fileOf(folder string, fd int, name string) openFile {
	f := openFile{fd: fd, name: name}
	if info, err := os.Stat(folder + "/fd/" + strconv.Itoa(fd)); err == nil {
		f.pipe = info.Mode()&os.ModeNamedPipe != 0
	}
	_, flags := positionOf(folder, fd)
	f.reads = flags&syscall.O_ACCMODE != syscall.O_WRONLY
	return f
}

// positionOf reads where a descriptor stands in its file, and its flags.
func positionOf(folder string, fd int) (at int64, flags uint64) {
	text, _ := os.ReadFile(folder + "/fdinfo/" + strconv.Itoa(fd))
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "pos:"); ok {
			at, _ = strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		}
		if v, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, _ = strconv.ParseUint(strings.TrimSpace(v), 8, 64)
		}
	}
	return at, flags
}

// socketsOf looks the sockets up by their inodes.
func socketsOf(folder string, inodes map[string]int) []socket {
	var all []socket
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		text, _ := os.ReadFile(folder + "/net/" + table)
		for line := range strings.Lines(string(text)) {
			// sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
			fields := strings.Fields(line)
			const local, remote, state, inode = 1, 2, 3, 9
			if len(fields) <= inode {
				continue
			}
			fd, mine := inodes[fields[inode]]
			if !mine {
				continue
			}
			s := socket{fd: fd, network: strings.TrimSuffix(table, "6"), local: address(fields[local]), remote: address(fields[remote])}
			s.state = map[string]string{
				"tcp 01": connected, "tcp 02": connecting, "tcp 0A": listening, "udp 01": asking, "udp 07": bound,
			}[s.network+" "+fields[state]]
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b socket) int { return a.fd - b.fd })
	return all
}

// address reads 0100007F:1F90: words of four bytes in the order of the machine, and the port.
func address(text string) string {
	ip, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(ip)
	n, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil {
		return text
	}
	const word = 4
	for i := 0; i+word <= len(raw); i += word {
		slices.Reverse(raw[i : i+word])
	}
	return net.JoinHostPort(net.IP(raw).String(), strconv.FormatUint(n, 10))
}

func commandOf(pid int) string {
	line, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	text := strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	const longest = 200
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	return text
}

// holdersOf says who holds the locks that the process waits for. /proc/locks has lines such as
//
//	1: FLOCK  ADVISORY  WRITE 812 08:01:1234 0 EOF
//	1: -> FLOCK  ADVISORY  WRITE 813 08:01:1234 0 EOF
func holdersOf(pid int) []string {
	text, _ := os.ReadFile("/proc/locks")
	holders := make(map[string]string) // number → pid
	var lines []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		const least = 6
		if len(fields) < least {
			continue
		}
		if fields[1] != "->" {
			holders[fields[0]] = fields[4]
			continue
		}
		holder := holders[fields[0]]
		if fields[5] != strconv.Itoa(pid) || holder == "" {
			continue
		}
		who := "process " + holder
		if n, err := strconv.Atoi(holder); err == nil && n == pid {
			who = "the process itself, through another descriptor"
		} else if err == nil && n > 0 {
			who += ": " + commandOf(n)
		}
		lines = append(lines, "the lock is held by "+who)
	}
	return lines
}
