package doctor

import (
	"strconv"

	"github.com/roster-go/roster/initwatch/hang"
)

// A kernelView is what the system knows of a process: the call its main thread is in, and what it has open.
type kernelView struct {
	call     call
	runs     bool // the main thread
	sockets  []socket
	files    []openFile
	children []string // "process 123: sleep 3600"
	locks    []string // who holds the lock that it waits for
}

// A call of the system, with its arguments.
type call struct {
	name string // openat, read, flock …; its number if it has no name here; "" if the thread is in none
	fd   int    // the descriptor it is about, -1 if none
	path string // the path it is about
}

// The states of sockets.
const (
	connecting = "connecting"
	connected  = "connected"
	listening  = "listening"
	asking     = "asking" // a UDP socket with a peer
	bound      = "bound"  // one without
)

// A socket is one that the process has open.
type socket struct {
	fd            int
	network       string // tcp, udp
	local, remote string
	state         string
}

// An openFile is a descriptor that is no socket.
type openFile struct {
	fd    int
	name  string // its path, or pipe:[inode]
	pipe  bool   // named or not
	reads bool
}

// mostDetails is how many sockets, files or children are listed.
const mostDetails = 8

// details are what is known beyond the calls of a hang with the cause.
func (k kernelView) details(cause hang.Cause) []string {
	var lines []string
	switch cause {
	case hang.Connect:
		lines = k.inState(connecting)
	case hang.Network, hang.HTTP:
		if lines = k.inState(connected, connecting); len(lines) == 0 {
			lines = k.inState(bound)
		}
	case hang.DNS:
		lines = k.inState(asking, connecting, connected)
	case hang.Accept:
		lines = k.inState(listening)
	case hang.Open:
		if k.call.path != "" {
			lines = []string{"opens " + k.call.path}
		}
	case hang.Read:
		lines = k.reading()
	case hang.FileLock:
		if f := k.file(k.call.fd); f != nil {
			lines = append(lines, "the file is "+f.name+descriptor(f.fd))
		}
		lines = append(lines, k.locks...)
	case hang.Child:
		lines = k.children
	case hang.Cgo, hang.CgoCallback, hang.System:
		if k.call.name != "" {
			lines = append(lines, "the main thread is in the system call "+k.call.name)
		}
	default: // the others are of the program alone
	}
	if len(lines) > mostDetails {
		lines = append(lines[:mostDetails:mostDetails], "and others")
	}
	return lines
}

// inState lists the sockets that are in one of the states.
func (k kernelView) inState(states ...string) []string {
	var lines []string
	for _, state := range states {
		for _, s := range k.sockets {
			if s.state != state {
				continue
			}
			where := " to " + s.remote
			switch state {
			case listening, bound:
				where = " on " + s.local
			case asking:
				where = " " + s.remote
			}
			lines = append(lines, state+where+" over "+s.network+descriptor(s.fd))
		}
	}
	return lines
}

// reading is the file that is read: the one of the system call, or, if the runtime waits for it, one
// that can be waited for.
func (k kernelView) reading() []string {
	if f := k.file(k.call.fd); f != nil {
		return []string{k.call.name + " of " + f.name + descriptor(f.fd)}
	}
	var lines []string
	const standard = 2
	for _, f := range k.files {
		if f.pipe && f.reads && f.fd > standard {
			lines = append(lines, "read of "+f.name+descriptor(f.fd))
		}
	}
	return lines
}

func (k kernelView) file(fd int) *openFile {
	for i := range k.files {
		if k.files[i].fd == fd {
			return &k.files[i]
		}
	}
	return nil
}

// cause is what the system call tells of why a program hangs, for when nothing else does.
func (k kernelView) cause() hang.Cause {
	if k.runs {
		return hang.Spin
	}
	switch k.call.name {
	case "openat":
		return hang.Open
	case "read", "write":
		return hang.Read
	case "flock":
		return hang.FileLock
	case "waitid", "wait4":
		return hang.Child
	case "connect":
		return hang.Connect
	}
	return hang.Other
}

func descriptor(fd int) string {
	if fd < 0 {
		return ""
	}
	return " (descriptor " + strconv.Itoa(fd) + ")"
}
