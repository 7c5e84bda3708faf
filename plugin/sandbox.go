package plugin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/roster-go/roster/plugin/internal/shim"
)

// A Sandbox is what a plugin process is held to, beyond what holds for every one: it
// leads a process group that ends as a whole, and ends with the host. The zero value
// asks for nothing; [Confined] is a good start.
//
// Each layer stands on its own, and [Status] tells of each whether it is enforced:
// the process that is to become the plugin tries what the layer is to prevent, before
// the plugin's program runs. All of it is for Linux; elsewhere every layer that is
// asked for is unavailable.
type Sandbox struct {
	// Files restricts the plugin to its own folder, the system's programs and
	// libraries, a temporary folder of its own (TMPDIR), and what Read and Write
	// list. Landlock enforces it.
	Files bool
	// Read and Write list files and folders, with all that is below them. Relative
	// ones are in the folder of the descriptor. What is written may also be read. A
	// folder to write in is made if it is not there.
	Read, Write []string
	// Network is what the plugin may reach: anything, nothing, or TCP ports. Nothing
	// includes sockets in the file system; ports do not.
	Network Network
	// Ports are what a plugin with the network [NetworkPorts] may connect to, on any
	// host. Port 53 opens UDP too, since names are asked for that way.
	Ports []uint16
	// Syscalls refuses system calls that plugins do not need: to trace and to mount, to
	// load code into the kernel, to make namespaces, and the like, and those of 32-bit
	// programs.
	Syscalls bool
	// Namespaces gives the plugin processes, users, IPC and, if it is to reach nothing,
	// a network of its own. Whatever it leaves behind ends with it.
	Namespaces bool
	// User is the name or number of the user to run as, which takes a host that runs
	// as root. The plugin's folder must be open to that user.
	User string

	// Memory in bytes, swap included; at least 16 MiB. A cgroup enforces it; where
	// there is none for the host, private writable mappings are limited instead, and
	// that counts as degraded.
	Memory uint64
	// Processes is the number of processes and threads.
	Processes uint64
	// CPUs is the share of processor time: 0.5 is half a processor. It takes a cgroup.
	CPUs float64
	// OpenFiles is the number of open files in each process.
	OpenFiles uint64
	// FileSize limits each file that the plugin writes, in bytes.
	FileSize uint64

	// Strict refuses to start the plugin unless all that is asked for is enforced.
	Strict bool
}

// Network says what a plugin may reach.
type Network string

// The values of a Network.
const (
	NetworkAny   Network = ""      // it is not restricted
	NetworkPorts Network = "ports" // TCP connections to listed ports
	NetworkNone  Network = "none"
)

// Confined is a sandbox for a plugin that computes: it sees its own folder and the
// system's libraries, reaches nothing, and has processes of its own.
func Confined() Sandbox {
	return Sandbox{Files: true, Network: NetworkNone, Syscalls: true, Namespaces: true}
}

// A Control is one layer of a plugin's sandbox and what came of it.
type Control struct {
	Name   string // for example "files"
	Wanted string // what was asked for, in words; empty if nothing was
	State  ControlState
	Detail string // why it is less than enforced, or how far it reaches
}

// A ControlState says how far a [Control] holds.
type ControlState string

// The states of a control.
const (
	Enforced     ControlState = "enforced"
	Degraded     ControlState = "degraded"      // it holds in part
	Unavailable  ControlState = "unavailable"   // it does not hold
	NotRequested ControlState = "not requested" // nobody asked for it
)

const minMemory = 16 << 20

// check reports a value that makes no sense.
func (s Sandbox) check(fault func(field, problem, fix string) error) error {
	switch {
	case s.Network != NetworkAny && s.Network != NetworkPorts && s.Network != NetworkNone:
		return fault("sandbox.network", fmt.Sprintf("network %q is unknown", s.Network), "use none, any, or a list of TCP ports")
	case s.Network == NetworkPorts && len(s.Ports) == 0:
		return fault("sandbox.network", "the list of ports is empty", "list TCP ports, as in: network: [443], or write network: none")
	case s.Network != NetworkPorts && len(s.Ports) > 0:
		return fault("sandbox.network", "ports are listed for a network that is not restricted to ports", "set Network to NetworkPorts")
	case !s.Files && len(s.Read)+len(s.Write) > 0:
		return fault("sandbox.read", "files are listed, but files are not restricted", "set Files, or remove the lists")
	case s.Memory > 0 && s.Memory < minMemory:
		return fault("sandbox.memory", fmt.Sprintf("memory %d is below the least that a program starts with", s.Memory), "give at least 16MiB")
	case s.CPUs < 0 || s.CPUs > 0 && s.CPUs < 0.01:
		return fault("sandbox.cpus", fmt.Sprintf("cpus %v is out of range", s.CPUs), "give a share of processors from 0.01, as in: cpus: 0.5")
	default:
		return nil
	}
}

// needsShim reports whether something is asked for that the host cannot set from
// outside.
func (s Sandbox) needsShim() bool {
	return s.Files || s.Network != NetworkAny || s.Syscalls || s.Namespaces || s.User != "" ||
		s.Memory > 0 || s.Processes > 0 || s.CPUs > 0 || s.OpenFiles > 0 || s.FileSize > 0 || s.Strict
}

// within returns the sandbox of a plugin under the host's policy, which wins: each
// layer is there if one of the two asks for it, and each limit is the smaller one. A
// plugin that asks for files or ports beyond the policy is refused.
func (s Sandbox) within(policy Sandbox, fault func(field, problem, fix string) error) (Sandbox, error) {
	const fix = "ask for less, or widen the host's policy"
	both := s
	switch {
	case policy.Files && !s.Files:
		both.Files = true
	case policy.Files:
		for _, path := range s.Write {
			if !covered(path, policy.Write) {
				return both, fault("sandbox.write", fmt.Sprintf("the host's policy does not let plugins write %q", path), fix)
			}
		}
		for _, path := range s.Read {
			if !covered(path, policy.Read) && !covered(path, policy.Write) {
				return both, fault("sandbox.read", fmt.Sprintf("the host's policy does not let plugins read %q", path), fix)
			}
		}
	}
	switch {
	case policy.Network == NetworkAny:
	case s.Network == NetworkAny:
		both.Network, both.Ports = policy.Network, policy.Ports
	case s.Network == NetworkPorts:
		for _, port := range s.Ports {
			if !slices.Contains(policy.Ports, port) { // there are none if nothing may be reached
				return both, fault("sandbox.network", fmt.Sprintf("the host's policy does not let plugins connect to port %d", port), fix)
			}
		}
	}
	both.Syscalls = s.Syscalls || policy.Syscalls
	both.Namespaces = s.Namespaces || policy.Namespaces
	both.Strict = s.Strict || policy.Strict
	if policy.User != "" {
		both.User = policy.User
	}
	both.Memory = smaller(s.Memory, policy.Memory)
	both.Processes = smaller(s.Processes, policy.Processes)
	both.CPUs = smaller(s.CPUs, policy.CPUs)
	both.OpenFiles = smaller(s.OpenFiles, policy.OpenFiles)
	both.FileSize = smaller(s.FileSize, policy.FileSize)
	return both, nil
}

// smaller is the smaller of two limits, where 0 is none.
func smaller[T uint64 | float64](a, b T) T {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// covered reports whether a path is one of the folders or in one of them. Paths below
// a plugin's own folder, which are relative, are as good as the folder.
func covered(path string, folders []string) bool {
	if !filepath.IsAbs(path) {
		return slices.ContainsFunc(folders, func(f string) bool { return !filepath.IsAbs(f) && below(path, f) })
	}
	return slices.ContainsFunc(folders, func(f string) bool { return filepath.IsAbs(f) && below(path, f) })
}

func below(path, folder string) bool {
	rest, err := filepath.Rel(folder, path)
	return err == nil && rest != ".." && !strings.HasPrefix(rest, ".."+string(filepath.Separator))
}

// located returns the files of a sandbox as they are: absolute, and folders to write
// in made. One that leads out of the plugin's folder by a link is refused, since the
// plugin itself may have made the link.
func (s Sandbox) located(d Descriptor, fault func(field, problem, fix string) error) (Sandbox, error) {
	for _, list := range []*[]string{&s.Read, &s.Write} {
		paths := slices.Clone(*list)
		for i, path := range paths {
			field := "sandbox.read"
			full := path
			if !filepath.IsAbs(path) {
				full = filepath.Join(d.Dir, path)
			}
			if list == &s.Write {
				field = "sandbox.write"
				if _, err := os.Lstat(full); errors.Is(err, fs.ErrNotExist) {
					if err := os.MkdirAll(full, 0o700); err != nil {
						return s, fault(field, osFault(path, err), "make the folder, or name another")
					}
				}
			}
			target, err := filepath.EvalSymlinks(full)
			if err != nil {
				return s, fault(field, osFault(path, err), "check the path; it is relative to the descriptor's folder")
			}
			dir, err := filepath.EvalSymlinks(orHere(d.Dir))
			if !filepath.IsAbs(path) && (err != nil || !below(target, dir)) {
				return s, fault(field, fmt.Sprintf("%s leads out of the plugin's folder, to %s", path, target), "name the place itself if it is meant")
			}
			paths[i] = target
		}
		*list = paths
	}
	return s, nil
}

func orHere(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// spec is what the shim is to do of a sandbox.
func (s Sandbox) spec(d Descriptor) shim.Spec {
	spec := shim.Spec{
		Files: s.Files, Read: s.Read, Write: s.Write,
		Network: shim.Network(s.Network), Ports: s.Ports,
		Signals: s.Namespaces || s.Syscalls, Syscalls: s.Syscalls,
		Limits: map[string]uint64{}, Host: os.Getpid(), Strict: s.Strict,
	}
	if s.Files && d.Dir != "" { // without one its working folder is the host's, which is not for it
		if dir, err := filepath.Abs(d.Dir); err == nil {
			spec.Read = append(slices.Clone(s.Read), dir)
		}
	}
	for name, value := range map[string]uint64{shim.LimitFiles: s.OpenFiles, shim.LimitFileSize: s.FileSize} {
		if value > 0 {
			spec.Limits[name] = value
		}
	}
	return spec
}

func controls(of []shim.Control) []Control {
	list := make([]Control, len(of))
	for i, c := range of {
		list[i] = Control{Name: c.Name, Wanted: c.Wanted, State: ControlState(c.State), Detail: c.Detail}
	}
	return list
}

// parseSize reads a number of bytes such as 512MiB.
func parseSize(text string) (uint64, error) {
	number := strings.TrimRight(text, "KMGTiB")
	unit := text[len(number):]
	factor, ok := map[string]uint64{
		"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
		"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	}[unit]
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 64)
	if !ok || err != nil || n > (1<<63)/factor {
		return 0, fmt.Errorf("%q is no size", text)
	}
	return n * factor, nil
}

// notRequested are the controls that nobody asked for.
func notRequested() []Control {
	var list []Control
	for _, name := range []string{
		shim.User, shim.Memory, shim.Processes, shim.CPUs, shim.Namespaces, shim.NoNewPrivileges,
		shim.OpenFiles, shim.FileSize, shim.Files, shim.Signals, shim.NetworkControl, shim.Syscalls,
	} {
		list = append(list, Control{Name: name, State: NotRequested})
	}
	return list
}
