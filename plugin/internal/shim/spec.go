// Package shim is the moment between the fork of a plugin process and its program: the
// host runs itself once more, and that process locks itself in, proves that the locks
// hold, reports, and becomes the plugin.
//
// A program that links this package in turns into the shim before its main function
// if its first argument is [Name], which only [Command] gives it. What the packages
// initialised before this one do, they do in the shim too.
package shim

// Name is the zeroth argument of a shim.
const Name = "roster-plugin-shim"

// The descriptors that a shim gets beside the standard ones.
const (
	ProgramFD = 3 + iota // the program to become, open for reading
	SpecFD               // a pipe with a Spec as JSON
	ReportFD             // a pipe for a Report as JSON; it ends when the program runs
)

// A Spec says what a shim is to lock and to become.
type Spec struct {
	Args []string `json:"args"` // of the program
	Path string   `json:"path"` // of a script; a program is run from ProgramFD

	Files   bool     `json:"files"`   // restrict files: what is not listed is out of reach
	Read    []string `json:"read"`    // files and folders to read and run
	Write   []string `json:"write"`   // files and folders to read and change
	Sockets string   `json:"sockets"` // the folder for the plugin's socket and temporary files

	Network  Network  `json:"network"`
	Ports    []uint16 `json:"ports"`    // TCP ports to connect to, for NetworkPorts
	Signals  bool     `json:"signals"`  // none to other processes
	Syscalls bool     `json:"syscalls"` // none of the dangerous ones

	Limits map[string]uint64 `json:"limits"` // of LimitFiles and so on
	Host   int               `json:"host"`   // process id of the host, to probe
	Strict bool              `json:"strict"` // become nothing unless all that is wanted is enforced
	Given  []Control         `json:"given"`  // what the host itself has enforced, or not
}

// A Network says what a plugin may reach.
type Network string

// The values of a Network.
const (
	NetworkAny   Network = ""
	NetworkPorts Network = "ports"
	NetworkNone  Network = "none"
)

// Names of resource limits, which are setrlimit's.
const (
	LimitFiles     = "open files"
	LimitProcesses = "processes"
	LimitFileSize  = "file size"
	LimitData      = "data"
)

// A Report is what a shim says before it becomes the program.
type Report struct {
	Controls []Control `json:"controls"`
	Refused  string    `json:"refused"` // why it does not become the program; empty if it does
}

// A Control is one layer of a sandbox and what came of it.
type Control struct {
	Name   string `json:"name"`
	Wanted string `json:"wanted"` // in words; empty if it was not requested
	State  State  `json:"state"`
	Detail string `json:"detail,omitempty"` // why it is less than enforced, or how far it reaches
}

// A State says how far a control holds.
type State string

// The states of a control.
const (
	Enforced     State = "enforced"
	Degraded     State = "degraded"    // it holds in part
	Unavailable  State = "unavailable" // it does not hold at all
	NotRequested State = "not requested"
)

// Names of the controls.
const (
	ProcessGroup    = "process group"
	DiesWithHost    = "dies with host"
	NoNewPrivileges = "no new privileges"
	Files           = "files"
	NetworkControl  = "network"
	Signals         = "signals"
	Syscalls        = "system calls"
	Namespaces      = "namespaces"
	User            = "user"
	Memory          = "memory"
	Processes       = "processes"
	CPUs            = "cpus"
	OpenFiles       = "open files"
	FileSize        = "file size"
)
