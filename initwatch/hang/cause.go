package hang

// A Cause is why an init does not return.
type Cause string

// The causes.
const (
	Connect     Cause = "connect"      // a network connection that is not made
	Network     Cause = "network"      // a peer that does not answer
	Accept      Cause = "accept"       // a listener to which nobody connects
	HTTP        Cause = "http"         // an HTTP request without an answer
	DNS         Cause = "dns"          // a name that does not resolve
	Open        Cause = "open"         // opening a file, usually a named pipe
	Read        Cause = "read"         // reading or writing a file or pipe
	FileLock    Cause = "file lock"    // a lock on a file that somebody else holds
	Lock        Cause = "lock"         // a mutex
	Once        Cause = "once"         // a sync.Once that is entered again from inside
	WaitGroup   Cause = "wait group"   // a WaitGroup that does not reach zero
	Cond        Cause = "cond"         // a condition nobody signals
	Channel     Cause = "channel"      // the other side of a channel
	Select      Cause = "select"       // any case of a select
	Sleep       Cause = "sleep"        // time.Sleep, usually between attempts
	Child       Cause = "child"        // a child process
	Spin        Cause = "spin"         // it runs
	Cgo         Cause = "cgo"          // a C function
	CgoCallback Cause = "cgo callback" // C that calls Go before all inits have run
	Registers   Cause = "goroutine"    // a goroutine that is to register something, and does not
	System      Cause = "system call"  // another system call
	Other       Cause = "other"        // something else
)

// causes say what each means and what usually helps.
var causes = [...]struct {
	cause       Cause
	means, cure string
}{
	{Connect, "a network connection that is not made", "connect at first use or in main, with a timeout: net.Dialer{Timeout: …} or DialContext"},
	{Network, "a peer on the network that does not answer", "talk to the network in main or at first use, with SetDeadline on the connection"},
	{Accept, "somebody to connect to a listener", "listen in init if you must, but accept in a goroutine that main starts"},
	{HTTP, "an HTTP request that is not answered", "ask in main or at first use, with a context or http.Client{Timeout: …}; the default client waits for ever"},
	{DNS, "a host name to resolve", "resolve in main or at first use, with a context that ends; check the resolver in /etc/resolv.conf"},
	{Open, "a file to open", "a named pipe opens only when its other side does: open it in main, or with O_NONBLOCK"},
	{Read, "bytes of a file or pipe", "read in main or at first use, and make sure that the other side writes or closes"},
	{FileLock, "a lock on a file that another process or descriptor holds",
		"take it in main with LOCK_NB, and say who holds it; a second flock of one process waits for the first"},
	{Lock, "a mutex that is held", "do not call what locks while you hold the lock: sync.Mutex cannot be locked twice; unlock before you call back"},
	{Once, "a sync.Once that is under way further up, so it waits for itself",
		"do not call the function of a Once from inside it, nor from a goroutine it waits for"},
	{WaitGroup, "a WaitGroup whose count does not reach zero", "call Done in a defer in each goroutine, and wait in main"},
	{Cond, "a condition that nobody signals", "check the condition before Wait, and signal after it is made true; wait in main"},
	{Channel, "the other side of a channel", "nothing that main or a later init does can come: make the exchange in main, or close the channel in this init"},
	{Select, "a case of a select", "a select in init needs a case that comes by itself: add a time.After, or move it to main"},
	{Sleep, "time to pass, usually between attempts that fail", "do not retry in init: try at first use or in main, and give up after a number of attempts"},
	{Child, "a child process to end", "run programs in main or at first use, with exec.CommandContext and a timeout"},
	{Spin, "nothing: it runs, and does not come to an end", "look at the loop at this line: what it waits for may never change while init runs"},
	{Cgo, "a C function that does not return", "call C that may block in main or at first use, in a goroutine of its own"},
	{CgoCallback, "C that calls Go back, and Go lets nobody in before all inits have run",
		"do not wait in init for a C thread that calls Go: start it in main"},
	{Registers, "what a goroutine is to register, which it has not",
		"register in init itself, not in a goroutine it starts: an init must be done when it returns"},
	{System, "the operating system", "make the call in main or at first use"},
	{Other, "something that is not known to this tool", "the calls below show where"},
}

// Means completes "it waits for".
func (c Cause) Means() string {
	for i := range causes {
		if causes[i].cause == c {
			return causes[i].means
		}
	}
	return ""
}

// Cure is what usually helps.
func (c Cause) Cure() string {
	for i := range causes {
		if causes[i].cause == c {
			return causes[i].cure
		}
	}
	return ""
}

// library tells a cause by a function of Go that is called between the wait and the user's code.
// The first that matches counts: a lookup is part of connecting, which is part of an HTTP request.
var library = [...]struct {
	prefix string
	cause  Cause
}{
	{"os.(*Process).Wait", Child},
	{"os.(*Process).wait", Child},
	{"os/exec.(*Cmd).Wait", Child},
	{"syscall.Wait4", Child},
	{"golang.org/x/sys/unix.Wait", Child},
	{"net.(*Resolver).", DNS},
	{"net.lookup", DNS},
	{"net/http.", HTTP},
	{"net.(*Dialer).Dial", Connect},
	{"net.(*sysDialer).", Connect},
	{"net.(*netFD).connect", Connect},
	{"net.(*netFD).accept", Accept},
	{"net.(*netFD).", Network},
	{"net.(*conn).", Network},
	{"crypto/tls.", Network},
	{"syscall.Flock", FileLock},
	{"syscall.FcntlFlock", FileLock},
	{"golang.org/x/sys/unix.Flock", FileLock},
	{"golang.org/x/sys/unix.FcntlFlock", FileLock},
	{"syscall.Open", Open},
	{"syscall.openat", Open},
	{"syscall.Connect", Connect},
	{"syscall.Accept", Accept},
	{"os.OpenFile", Open},
	{"os.open", Open},
	{"os.(*File).", Read},
	{"internal/poll.(*FD).", Read},
	{"syscall.Read", Read},
	{"syscall.Write", Read},
	{"golang.org/x/sys/unix.Open", Open},
	{"golang.org/x/sys/unix.Read", Read},
	{"sync.(*Once).", Once},
	{"sync.(*WaitGroup).", WaitGroup},
	{"sync.(*Cond).", Cond},
	{"sync.(*Mutex).", Lock},
	{"sync.(*RWMutex).", Lock},
	{"internal/sync.(*Mutex).", Lock},
	{"time.Sleep", Sleep},
}

// states tell a cause by what the runtime calls it, if no function does.
var states = [...]struct {
	prefix string
	cause  Cause
}{
	{"chan ", Channel},
	{"select", Select},
	{"sleep", Sleep},
	{"sync.Cond.", Cond},
	{"sync.WaitGroup.", WaitGroup},
	{"sync.", Lock},
	{"semacquire", Lock},
	{"IO wait", Read},
	{"syscall", System},
	{"running", Spin},
	{"runnable", Spin},
	{"preempted", Spin},
}

// Cause is what the goroutine waits for, as far as it alone tells.
func (g *Goroutine) Cause() Cause {
	for _, rule := range &library {
		for _, f := range g.Frames {
			if hasPrefix(f.Function, rule.prefix) {
				return rule.cause
			}
			if !f.Standard() {
				break
			}
		}
	}
	for _, f := range g.Frames {
		if f.Function == "runtime.cgocall" || contains(f.Function, "._Cfunc_") || contains(f.Function, "._C2func_") {
			return Cgo
		}
		if !f.Standard() {
			break
		}
	}
	for _, s := range states {
		if hasPrefix(g.State, s.prefix) {
			return s.cause
		}
	}
	return Other
}
